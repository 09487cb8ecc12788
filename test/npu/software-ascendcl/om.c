// Reads what the stand-in for atc wrote: lines of words.

#include <string.h>

#include "software.h"

static bool readDims(char** words, int64_t* dims, size_t count) {
  for (size_t i = 0; i < count; i++) {
    int length = 0;
    long long dim;
    if (sscanf(*words, "%lld%n", &dim, &length) != 1) return false;
    dims[i] = dim;
    *words += length;
  }
  return true;
}

static bool readTensor(char* words, OmTensor* tensors, size_t* count, size_t* sumOfRanks) {
  int length = 0;
  if (*count == kMaxOmTensors) return false;
  OmTensor* const tensor = &tensors[(*count)++];
  if (sscanf(words, "%127s %d %zu%n", tensor->name, &tensor->type, &tensor->rank, &length) != 3) return false;
  words += length;
  *sumOfRanks += tensor->rank;
  return tensor->rank <= kAclMaxDims && *sumOfRanks <= kAclMaxDims && readDims(&words, tensor->dims, tensor->rank);
}

static bool readLine(char* line, Om* om, size_t* numShapes) {
  char* words = strchr(line, ' ');
  if (words == NULL) return false;
  *words++ = '\0';
  if (strcmp(line, "onnx") == 0) return snprintf(om->onnx, sizeof om->onnx, "%s", words) < (int)sizeof om->onnx;
  if (strcmp(line, "soc") == 0) return sscanf(words, "%63s", om->soc) == 1;
  if (strcmp(line, "weights") == 0) return om->hasWeightsBeside = true;
  if (strcmp(line, "input") == 0) return readTensor(words, om->inputs, &om->numInputs, &om->inputRank);
  if (strcmp(line, "output") == 0) return readTensor(words, om->outputs, &om->numOutputs, &om->outputRank);
  if (*numShapes == kMaxOmGears) return false;
  if (strcmp(line, "gear") == 0) om->numGears++;
  if (strcmp(line, "gear") != 0 && strcmp(line, "shape") != 0) return false;
  const size_t index = (*numShapes)++;
  return readDims(&words, om->gears[index].inputs, om->inputRank) &&
         readDims(&words, om->gears[index].outputs, om->outputRank);
}

bool readOm(const char* path, Om* om) {
  FILE* const file = fopen(path, "r");
  char line[4096];
  bool isRead = file != NULL && fgets(line, sizeof line, file) != NULL && strcmp(line, "software-om 1\n") == 0;
  size_t numShapes = 0;
  while (isRead && fgets(line, sizeof line, file) != NULL) {
    line[strcspn(line, "\n")] = '\0';
    isRead = readLine(line, om, &numShapes);
  }
  if (file != NULL) fclose(file);
  return isRead && numShapes > 0;
}

static const struct {
  int onnx;
  int acl;
  size_t bytes;
} kTypes[] = {
    {1, kAclFloat32, 4}, {2, kAclUint8, 1}, {3, kAclInt8, 1},     {6, kAclInt32, 4},
    {7, kAclInt64, 8},   {9, kAclBool, 1},  {10, kAclFloat16, 2}, {16, kAclBfloat16, 2},
};

int aclTypeOf(int onnxType) {
  for (size_t i = 0; i < sizeof kTypes / sizeof kTypes[0]; i++) {
    if (kTypes[i].onnx == onnxType) return kTypes[i].acl;
  }
  return -1;
}

size_t typeBytes(int onnxType) {
  for (size_t i = 0; i < sizeof kTypes / sizeof kTypes[0]; i++) {
    if (kTypes[i].onnx == onnxType) return kTypes[i].bytes;
  }
  return 0;
}

const int64_t* gearInput(const Om* om, size_t gear, size_t input) {
  const int64_t* dims = om->gears[gear].inputs;
  for (size_t i = 0; i < input; i++) dims += om->inputs[i].rank;
  return dims;
}

const int64_t* gearOutput(const Om* om, size_t gear, size_t output) {
  const int64_t* dims = om->gears[gear].outputs;
  for (size_t i = 0; i < output; i++) dims += om->outputs[i].rank;
  return dims;
}

size_t tensorBytes(const OmTensor* tensor, const int64_t* dims) {
  size_t bytes = typeBytes(tensor->type);
  for (size_t i = 0; i < tensor->rank; i++) bytes *= (size_t)dims[i];
  return bytes;
}

size_t largestGear(const Om* om) {
  size_t largest = 0;
  size_t most = 0;
  for (size_t gear = 0; gear < om->numGears; gear++) {
    size_t bytes = 0;
    for (size_t i = 0; i < om->numInputs; i++) bytes += tensorBytes(&om->inputs[i], gearInput(om, gear, i));
    if (bytes > most) largest = gear;
    if (bytes > most) most = bytes;
  }
  return largest;
}
