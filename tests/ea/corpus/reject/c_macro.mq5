// reject: translate: undeclared identifier 'EOF'
void OnTick(void)
  {
   int n=EOF;
   Print(n);
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
