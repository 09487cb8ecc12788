// Asks AscendCL what a loaded model takes and gives.
#pragma once

#include "model.h"

/** Fills `inputs`, `outputs`, `gears`, `gearInput` and `description`. */
bool describeModel(Model* model, Failure* failure);
