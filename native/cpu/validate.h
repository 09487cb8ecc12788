// Checks a plan once, so that nothing after it needs to.
#pragma once

#include "plan.h"

/**
 * Every index, width, row count and format of a plan, and that values are written once and before they are read.
 * Throws Failure (PLAN_INVALID).
 */
void checkPlan(const Plan& plan);
