// reject: compile: abstract type
class CShape
  {
public:
   virtual double Area(void)=0;
  };
void OnTick(void)
  {
   CShape shape;
  }
int OnInit(void)
  {
   return(INIT_SUCCEEDED);
  }
