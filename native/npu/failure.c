// Classes of AscendCL's error codes.

#include "failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool fail(Failure* failure, FailureKind kind, const char* format, ...) {
  if (failure->kind != kNoFailure) return false;
  failure->kind = kind;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(failure->message, sizeof failure->message, format, arguments);
  va_end(arguments);
  return false;
}

void setDetail(Failure* failure, const char* text) {
  snprintf(failure->detail, sizeof failure->detail, "%s", text == NULL ? "" : text);
}

bool failCall(Failure* failure, const Acl* acl, const char* call, int code) {
  // Asked for even where it is not kept: it clears the text for the next failure of this thread.
  const char* const text = acl->aclGetRecentErrMsg();
  if (failure->kind != kNoFailure) return false;
  fail(failure, classify(code), "%s failed with %d.", call, code);
  failure->aclCode = code;
  failure->aclCall = call;
  setDetail(failure, text);
  return false;
}

typedef struct {
  int first;
  int last;
  FailureKind kind;
} CodeRange;

/** The first that fits counts. */
static const CodeRange kCodes[] = {
    {100003, 100008, kModelFile},  // the file is not there, or not what it should be
    {100012, 100016, kModelFile},  // it cannot be parsed
    {100017, 100019, kGear},
    {100039, 100039, kLibrary},  // the stub library of the development kit
    {107001, 107001, kNoDevice},
    {107019, 107020, kTimeout},
    {145011, 145014, kGear},
    {145021, 145021, kGear},
    {200000, 200000, kOutOfMemory},
    {207001, 207001, kOutOfMemory},
    {207004, 207004, kNoDevice},
    {207006, 207006, kBusyOrPermission},
    {207008, 207008, kBusyOrPermission},  // no stream left
    {207018, 207018, kOutOfMemory},
    {245000, 245000, kOutOfMemory},
    {507008, 507008, kSocMismatch},
    {507046, 507046, kTimeout},  // of a stream
    {507000, 507999, kDeviceFailed},
    {545001, 545001, kSocMismatch},
};

FailureKind classify(int aclCode) {
  for (size_t i = 0; i < sizeof kCodes / sizeof kCodes[0]; i++) {
    if (aclCode >= kCodes[i].first && aclCode <= kCodes[i].last) return kCodes[i].kind;
  }
  return kInternal;
}

bool losesDevice(FailureKind kind) { return kind == kTimeout || kind == kDeviceFailed; }
