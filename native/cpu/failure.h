// The error that native code reports: a code for programs and a sentence for people.
#pragma once

#include <stdexcept>
#include <string>

class Failure : public std::runtime_error {
 public:
  Failure(const char* code, const std::string& message) : std::runtime_error(message), code_(code) {}
  const char* code() const { return code_; }

 private:
  const char* code_;  // one of those below
};

constexpr const char* kPlanInvalid = "PLAN_INVALID";
constexpr const char* kInputInvalid = "INPUT_INVALID";
constexpr const char* kWeightsUnreadable = "WEIGHTS_UNREADABLE";
constexpr const char* kOutOfMemory = "OUT_OF_MEMORY";
constexpr const char* kIsaUnavailable = "ISA_UNAVAILABLE";
constexpr const char* kCancelled = "CANCELLED";
constexpr const char* kClosed = "CLOSED";
constexpr const char* kInternal = "INTERNAL";
