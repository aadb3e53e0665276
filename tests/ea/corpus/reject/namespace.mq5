// reject: translate: namespaces are outside
namespace Rubi
  {
   int x;
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
