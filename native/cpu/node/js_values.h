// JavaScript values to and from C++, with every failure as a Failure.
#pragma once

#define NAPI_VERSION 8
#include <node_api.h>

#include <cstdint>
#include <exception>
#include <string>
#include <vector>

/** Throws Failure (INTERNAL) unless the call went well. A pending JavaScript exception is cleared. */
void check(napi_env env, napi_status status);

/** Reads what a caller passes; whatever is not as it should be throws Failure with the reader's code. */
class Reader {
 public:
  Reader(napi_env env, const char* code) : env_(env), code_(code) {}

  napi_env env() const { return env_; }
  [[noreturn]] void fail(const std::string& what) const;

  napi_value get(napi_value object, const char* name) const;
  /** Whether the property is there and not undefined. */
  bool has(napi_value object, const char* name) const;

  double number(napi_value object, const char* name) const;
  int64_t integer(napi_value object, const char* name) const;
  /** An integer of 32 bits. */
  int index(napi_value object, const char* name) const;
  /** kNone when absent. */
  int optionalIndex(napi_value object, const char* name) const;
  bool boolean(napi_value object, const char* name) const;
  std::string text(napi_value object, const char* name) const;

  double asNumber(napi_value value, const char* name) const;
  int64_t asInteger(napi_value value, const char* name) const;
  std::string asText(napi_value value, const char* name) const;

  /** Calls body(element) for each element of an array. */
  template <typename Body>
  void forEach(napi_value object, const char* name, const Body& body) const {
    const napi_value array = get(object, name);
    const uint32_t length = arrayLength(array, name);
    for (uint32_t i = 0; i < length; i++) {
      // A scope each, because a plan has thousands of elements.
      const Scope scope(env_);
      body(element(array, i));
    }
  }

  struct Floats {
    const float* data;
    int64_t count;
  };
  /** In the caller's memory. */
  Floats floats(napi_value array, const std::string& name) const;
  std::vector<int32_t> integers(napi_value array, const std::string& name) const;
  /** Of a Float64Array, because numbers that count for as long as a server runs outgrow 32 bits. */
  std::vector<int64_t> longIntegers(napi_value array, const std::string& name) const;

 private:
  struct Scope {
    explicit Scope(napi_env env) : env(env) { check(env, napi_open_handle_scope(env, &scope)); }
    ~Scope() { napi_close_handle_scope(env, scope); }
    const napi_env env;
    napi_handle_scope scope;
  };
  struct TypedArray {
    napi_typedarray_type type;
    size_t count;
    void* data;
  };

  int64_t checkedInteger(double number, const std::string& name) const;
  uint32_t arrayLength(napi_value array, const char* name) const;
  napi_value element(napi_value array, uint32_t index) const;
  TypedArray typedArray(napi_value array, const std::string& name) const;
  /** Turns a failed look-up, such as a getter that throws, into this reader's failure. */
  void require(napi_status status, const std::string& what) const;

  napi_env env_;
  const char* code_;
};

napi_value makeNumber(napi_env env, double value);
napi_value makeText(napi_env env, const std::string& value);
napi_value makeFloats(napi_env env, const std::vector<float>& values);
void set(napi_env env, napi_value object, const char* name, napi_value value);

/** An Error with `code`, for any C++ exception. */
napi_value makeError(napi_env env, const std::exception_ptr& error);
