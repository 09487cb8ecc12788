// Conversions by Node-API.

#include "js_values.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <new>
#include <stdexcept>

#include "../failure.h"
#include "../plan.h"

namespace {

void clearException(napi_env env) {
  bool isPending = false;
  napi_value ignored;
  if (napi_is_exception_pending(env, &isPending) == napi_ok && isPending) {
    napi_get_and_clear_last_exception(env, &ignored);
  }
}

struct Description {
  const char* code;
  std::string message;
};

Description describe(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const Failure& failure) {
    return {failure.code(), failure.what()};
  } catch (const std::bad_alloc&) {
    return {kOutOfMemory, "There is not enough memory."};
  } catch (const std::length_error&) {
    return {kOutOfMemory, "There is not enough memory."};
  } catch (const std::invalid_argument& invalid) {
    return {kInputInvalid, std::string("An input is wrong: ") + invalid.what() + "."};
  } catch (const std::exception& other) {
    return {kInternal, std::string("Native code failed: ") + other.what() + "."};
  } catch (...) {
    return {kInternal, "Native code failed."};
  }
}

}  // namespace

void check(napi_env env, napi_status status) {
  if (status == napi_ok) return;
  clearException(env);
  throw Failure(kInternal, "A call of Node-API failed with status " + std::to_string(status) + ".");
}

void Reader::fail(const std::string& what) const { throw Failure(code_, what + "."); }

void Reader::require(napi_status status, const std::string& what) const {
  if (status == napi_ok) return;
  clearException(env_);
  fail(what);
}

napi_value Reader::get(napi_value object, const char* name) const {
  napi_value value;
  require(napi_get_named_property(env_, object, name, &value), std::string("There is no object with ") + name);
  return value;
}

bool Reader::has(napi_value object, const char* name) const {
  napi_valuetype type;
  check(env_, napi_typeof(env_, get(object, name), &type));
  return type != napi_undefined;
}

double Reader::asNumber(napi_value value, const char* name) const {
  double number;
  require(napi_get_value_double(env_, value, &number), std::string(name) + " is not a number");
  return number;
}

double Reader::number(napi_value object, const char* name) const { return asNumber(get(object, name), name); }

int64_t Reader::asInteger(napi_value value, const char* name) const {
  return checkedInteger(asNumber(value, name), name);
}

int64_t Reader::checkedInteger(double number, const std::string& name) const {
  constexpr double kMaxSafeInteger = 9007199254740991;
  if (!(std::fabs(number) <= kMaxSafeInteger) || number != std::floor(number)) fail(name + " is not an integer");
  return static_cast<int64_t>(number);
}

int64_t Reader::integer(napi_value object, const char* name) const { return asInteger(get(object, name), name); }

int Reader::index(napi_value object, const char* name) const {
  const int64_t value = integer(object, name);
  if (value < std::numeric_limits<int>::min() || value > std::numeric_limits<int>::max()) {
    fail(std::string(name) + " is out of range");
  }
  return static_cast<int>(value);
}

int Reader::optionalIndex(napi_value object, const char* name) const {
  if (!has(object, name)) return kNone;
  const int value = index(object, name);
  if (value < 0) fail(std::string(name) + " is negative");
  return value;
}

bool Reader::boolean(napi_value object, const char* name) const {
  bool value;
  require(napi_get_value_bool(env_, get(object, name), &value), std::string(name) + " is not true or false");
  return value;
}

std::string Reader::asText(napi_value value, const char* name) const {
  size_t length = 0;
  require(napi_get_value_string_utf8(env_, value, nullptr, 0, &length), std::string(name) + " is not a string");
  std::string text(length, '\0');
  check(env_, napi_get_value_string_utf8(env_, value, text.data(), length + 1, &length));
  return text;
}

std::string Reader::text(napi_value object, const char* name) const { return asText(get(object, name), name); }

uint32_t Reader::arrayLength(napi_value array, const char* name) const {
  uint32_t length;
  require(napi_get_array_length(env_, array, &length), std::string(name) + " is not an array");
  return length;
}

napi_value Reader::element(napi_value array, uint32_t index) const {
  napi_value value;
  check(env_, napi_get_element(env_, array, index, &value));
  return value;
}

Reader::TypedArray Reader::typedArray(napi_value array, const std::string& name) const {
  bool isTypedArray = false;
  check(env_, napi_is_typedarray(env_, array, &isTypedArray));
  if (!isTypedArray) fail(name + " is not a typed array");
  TypedArray info;
  check(env_, napi_get_typedarray_info(env_, array, &info.type, &info.count, &info.data, nullptr, nullptr));
  return info;
}

Reader::Floats Reader::floats(napi_value array, const std::string& name) const {
  const TypedArray info = typedArray(array, name);
  if (info.type != napi_float32_array) fail(name + " is not a Float32Array");
  return {static_cast<const float*>(info.data), static_cast<int64_t>(info.count)};
}

std::vector<int32_t> Reader::integers(napi_value array, const std::string& name) const {
  const TypedArray info = typedArray(array, name);
  if (info.type != napi_int32_array) fail(name + " is not an Int32Array");
  const auto* const data = static_cast<const int32_t*>(info.data);
  return {data, data + info.count};
}

std::vector<int64_t> Reader::longIntegers(napi_value array, const std::string& name) const {
  const TypedArray info = typedArray(array, name);
  if (info.type != napi_float64_array) fail(name + " is not a Float64Array");
  const auto* const data = static_cast<const double*>(info.data);
  std::vector<int64_t> integers;
  for (size_t i = 0; i < info.count; i++) integers.push_back(checkedInteger(data[i], "A number of " + name));
  return integers;
}

napi_value makeNumber(napi_env env, double value) {
  napi_value out;
  check(env, napi_create_double(env, value, &out));
  return out;
}

napi_value makeText(napi_env env, const std::string& value) {
  napi_value out;
  check(env, napi_create_string_utf8(env, value.data(), value.size(), &out));
  return out;
}

napi_value makeFloats(napi_env env, const std::vector<float>& values) {
  void* data;
  napi_value buffer;
  napi_value array;
  check(env, napi_create_arraybuffer(env, values.size() * sizeof(float), &data, &buffer));
  if (!values.empty()) std::memcpy(data, values.data(), values.size() * sizeof(float));
  check(env, napi_create_typedarray(env, napi_float32_array, values.size(), buffer, 0, &array));
  return array;
}

void set(napi_env env, napi_value object, const char* name, napi_value value) {
  check(env, napi_set_named_property(env, object, name, value));
}

napi_value makeError(napi_env env, const std::exception_ptr& error) {
  const Description description = describe(error);
  napi_value out;
  check(env, napi_create_error(env, makeText(env, description.code), makeText(env, description.message), &out));
  return out;
}
