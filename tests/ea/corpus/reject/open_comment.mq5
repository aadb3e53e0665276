// reject: translate: comment is not closed
/* never closed
