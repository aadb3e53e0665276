class CShape
  {
protected:
   string m_name;
   static int s_count;
public:
   CShape(void) { m_name="shape"; s_count++; }
   virtual ~CShape(void) { }
   virtual double Area(void) const { return(0.0); }
   string Name(void) const { return(this.m_name); }
   static int Count(void) { return(s_count); }
  };
int CShape::s_count=0;
class CSquare : public CShape
  {
private:
   double m_side;
public:
   CSquare(void);
   virtual double Area(void) const override { return(m_side*m_side); }
   void Side(const double side);
  };
CSquare::CSquare(void)
  {
   m_name="square";
   m_side=1.0;
  }
void CSquare::Side(const double side)
  {
   m_side=side;
  }
double total(const CShape &shape,const double &factor)
  {
   return(shape.Area()*factor);
  }
CSquare ExtSquares[2];
int OnInit(void)
  {
   double factor=2.0;
   ExtSquares[1].Side(3.0);
   if(total(ExtSquares[1],factor)!=18.0)
      return(INIT_FAILED);
   return(CShape::Count()==2 && ExtSquares[0].Name()=="square" ? INIT_SUCCEEDED : INIT_FAILED);
  }
