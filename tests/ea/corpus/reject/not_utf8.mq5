// reject: translate: is not UTF-8
// ÿþ
int OnInit(void) { return(0); }
