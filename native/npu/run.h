// One run of a model: from a copy of the inputs to a copy of the outputs, both in memory of its own.
#pragma once

#include "model.h"

struct Run {
  Model* model;
  /** -1 for a model of one shape. */
  int gear;
  /** As the model lays them out: each input at its offset. */
  uint8_t* inputs;
  uint8_t* outputs;
  /** What the caller has room for, in the model's order; checked before anything runs. */
  size_t outputBytes[kMaxTensors];
  int32_t timeoutMs;
  /** The pinned memory that holds the inputs; -1 when none does yet. */
  int slot;

  // Results:
  AclDims outputDims[kMaxTensors];
  double deviceMs;
};

/** Allocates `inputs` and `outputs`, and sets all outputs as not wanted. */
bool initRun(Run* run, Model* model, int gear, int32_t timeoutMs);
void freeRun(Run* run);

/** On the device's thread. */
bool doRun(Run* run, Failure* failure);
