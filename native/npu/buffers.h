// The memory of a model, allocated once at the size of its largest gear.
#pragma once

#include "model.h"

bool allocateBuffers(Model* model, Failure* failure);
/** Also after allocateBuffers has failed half way. */
void freeBuffers(Model* model);
