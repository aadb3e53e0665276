// Colours by name.
#pragma once
#include "../types.hpp"

namespace mql {

inline constexpr color clrBlack(0);
inline constexpr color clrWhite(16777215);
inline constexpr color clrRed(255);
inline constexpr color clrGreen(32768);
inline constexpr color clrLime(65280);
inline constexpr color clrBlue(16711680);
inline constexpr color clrYellow(65535);
inline constexpr color clrGray(8421504);
inline constexpr color clrSilver(12632256);
inline constexpr color clrOrange(42495);
inline constexpr color clrOrangeRed(17919);
inline constexpr color clrGold(55295);
inline constexpr color clrDarkGreen(25600);
inline constexpr color clrLimeGreen(3329330);
inline constexpr color clrCrimson(3937500);
inline constexpr color clrTomato(4678655);
inline constexpr color clrDodgerBlue(16748574);
inline constexpr color clrSteelBlue(11829830);
inline constexpr color clrDimGray(6908265);
inline constexpr color clrDarkGray(11119017);
inline constexpr color clrLightGray(13882323);
inline constexpr color clrWhiteSmoke(16119285);
inline constexpr color clrNavy(8388608);
inline constexpr color clrTeal(8421376);
inline constexpr color clrMaroon(128);
inline constexpr color clrDarkOrange(36095);
inline constexpr color clrFirebrick(2237106);
inline constexpr color clrSeaGreen(5737262);
inline constexpr color clrMidnightBlue(7346457);
inline constexpr color clrSlateGray(9470064);
inline constexpr color clrDarkSlateGray(5197615);
inline constexpr color clrLightGreen(9498256);
inline constexpr color clrLightSlateGray(10061943);
inline constexpr color clrGoldenrod(2139610);
inline constexpr color clrKhaki(9234160);
inline constexpr color clrAqua(16776960);
inline constexpr color clrMagenta(16711935);
inline constexpr color clrMediumSeaGreen(7451452);
inline constexpr color clrRoyalBlue(14772545);
inline constexpr color clrSnow(16448255);
inline constexpr color clrNONE(-1);

}  // namespace mql
