// Mathematics.
#pragma once
#include <cfloat>
#include <climits>
#include <cmath>

#include "../types.hpp"

namespace mql {

// Constants that MQL5 shares with C: DBL_MAX DBL_MIN DBL_EPSILON DBL_DIG FLT_MAX FLT_MIN CHAR_MAX CHAR_MIN
namespace shared_constants {
using check = int[sizeof DBL_MAX + sizeof DBL_MIN + sizeof DBL_EPSILON + sizeof DBL_DIG + sizeof FLT_MAX + sizeof INT_MAX + sizeof INT_MIN +
                  sizeof UINT_MAX + sizeof LONG_MAX + sizeof LONG_MIN + sizeof ULONG_MAX + sizeof UCHAR_MAX +
                  sizeof CHAR_MAX + sizeof CHAR_MIN];
}  // namespace shared_constants
inline constexpr ushort USHORT_MAX = 65535;
inline constexpr short SHORT_MAX = 32767;
inline constexpr short SHORT_MIN = -32768;
inline constexpr double EMPTY_VALUE = DBL_MAX;

inline double MathFloor(double v) { return std::floor(v); }
inline double MathCeil(double v) { return std::ceil(v); }
inline double MathRound(double v) { return std::round(v); }
inline double MathSqrt(double v) { return std::sqrt(v); }
inline double MathPow(double base, double exponent) { return std::pow(base, exponent); }
inline double MathLog(double v) { return std::log(v); }
inline double MathLog10(double v) { return std::log10(v); }
inline double MathExp(double v) { return std::exp(v); }
inline double MathMod(double a, double b) { return std::fmod(a, b); }
inline double MathSin(double v) { return std::sin(v); }
inline double MathCos(double v) { return std::cos(v); }
inline bool MathIsValidNumber(double v) { return std::isfinite(v); }
template <class T> T MathAbs(T v) { return v < T{} ? static_cast<T>(-v) : v; }
template <class T> T MathMin(T a, T b) { return b < a ? b : a; }
template <class T> T MathMax(T a, T b) { return a < b ? b : a; }
int MathRand();
void MathSrand(int seed);

}  // namespace mql
