// Everything a translated program sees.
#pragma once
#include "api/arrays.hpp"
#include "api/chart.hpp"
#include "api/colors.hpp"
#include "api/common.hpp"
#include "api/convert.hpp"
#include "api/files.hpp"
#include "api/indicators.hpp"
#include "api/maths.hpp"
#include "api/trade.hpp"
#include "program.hpp"
