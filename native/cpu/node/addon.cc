// The Node-API binding: checks what JavaScript passes, and hands slow work to a worker.

#include <cstdlib>
#include <utility>

#include "../failure.h"
#include "../kernels.h"
#include "jobs.h"
#include "js_values.h"
#include "read_plan.h"
#include "session.h"

namespace {

constexpr int kMaxThreads = 1024;
constexpr double kMaxPeakSeconds = 60;
constexpr size_t kMaxArguments = 3;

struct Arguments {
  napi_value values[kMaxArguments];

  Arguments(napi_env env, napi_callback_info info) {
    size_t count = kMaxArguments;
    check(env, napi_get_cb_info(env, info, &count, values, nullptr, nullptr));  // absent ones are undefined
  }
};

using Function = napi_value (*)(napi_env env, const Arguments& arguments);

/** A function whose C++ exceptions are thrown as Errors. */
template <Function function>
napi_value throwing(napi_env env, napi_callback_info info) {
  try {
    return function(env, Arguments(env, info));
  } catch (...) {
    napi_throw(env, makeError(env, std::current_exception()));
    return nullptr;
  }
}

/** A function that returns a promise, and whose C++ exceptions reject it. */
template <Function function>
napi_value rejecting(napi_env env, napi_callback_info info) {
  try {
    return function(env, Arguments(env, info));
  } catch (...) {
    const std::exception_ptr error = std::current_exception();
    napi_deferred deferred;
    napi_value promise = nullptr;
    if (napi_create_promise(env, &deferred, &promise) == napi_ok) {
      napi_reject_deferred(env, deferred, makeError(env, error));
    }
    return promise;
  }
}

const Kernels& chooseKernels() {
  const char* const forced = std::getenv("QVL_CPU_ISA");
  const bool isForced = forced != nullptr && forced[0] != '\0';
  const Kernels* const kernels = selectKernels(isForced ? forced : nullptr);
  if (kernels != nullptr) return *kernels;
  std::string message = std::string("QVL_CPU_ISA is ") + forced + ", which this machine does not have; it has";
  for (const char* const* name = availableKernels(); *name != nullptr; name++) message += std::string(" ") + *name;
  throw Failure(kIsaUnavailable, message + ".");
}

int checkedThreads(const Reader& reader, int64_t threads) {
  if (threads < 1 || threads > kMaxThreads) {
    reader.fail("The number of threads is not between 1 and " + std::to_string(kMaxThreads));
  }
  return static_cast<int>(threads);
}

napi_value isa(napi_env env, const Arguments&) {
  napi_value out;
  napi_value available;
  check(env, napi_create_object(env, &out));
  check(env, napi_create_array(env, &available));
  set(env, out, "selected", makeText(env, chooseKernels().name));
  uint32_t index = 0;
  for (const char* const* name = availableKernels(); *name != nullptr; name++) {
    check(env, napi_set_element(env, available, index++, makeText(env, *name)));
  }
  set(env, out, "available", available);
  return out;
}

napi_value load(napi_env env, const Arguments& arguments) {
  const Reader reader(env, kPlanInvalid);
  const auto [plan, options, unused] = arguments.values;
  const Kernels& kernels = chooseKernels();
  const int threads = checkedThreads(reader, reader.integer(options, "threads"));
  std::string cacheFile = reader.has(options, "cacheFile") ? reader.text(options, "cacheFile") : "";
  std::vector<napi_ref> arrays;
  try {
    LoadRequest request{readPlan(reader, plan, arrays), {}, kernels, threads, std::move(cacheFile)};
    auto session = std::make_shared<Session>();
    Worker::start(env, session);
    request.arrays = arrays;
    return session->submit(env, makeLoadJob(session, std::move(request)));
  } catch (...) {
    deleteReferences(env, arrays);
    throw;
  }
}

napi_value run(napi_env env, const Arguments& arguments) {
  const Reader reader(env, kInputInvalid);
  const std::shared_ptr<Session> session = Session::ofHandle(env, arguments.values[0]);
  Batch batch = readBatch(reader, session->executor().plan(), arguments.values[1]);
  napi_ref handle;
  check(env, napi_create_reference(env, arguments.values[0], 1, &handle));
  return session->submit(env, makeRunJob(session, std::move(batch), handle));
}

napi_value forget(napi_env env, const Arguments& arguments) {
  const Reader reader(env, kInputInvalid);
  const std::shared_ptr<Session> session = Session::ofHandle(env, arguments.values[0]);
  return session->submit(env, makeForgetJob(session, reader.asInteger(arguments.values[1], "The number")));
}

napi_value keptBytes(napi_env env, const Arguments& arguments) {
  const Reader reader(env, kInputInvalid);
  const std::shared_ptr<Session> session = Session::ofHandle(env, arguments.values[0]);
  const int64_t rows = reader.asInteger(arguments.values[1], "The number of rows");
  if (rows < 0 || rows > kMaxRows) reader.fail("The number of rows is not between 0 and " + std::to_string(kMaxRows));
  return makeNumber(env, static_cast<double>(session->executor().keptBytes(rows)));
}

napi_value cancel(napi_env env, const Arguments& arguments) {
  Session::ofHandle(env, arguments.values[0])->cancel();
  return nullptr;
}

napi_value statistics(napi_env env, const Arguments& arguments) {
  const Statistics statistics = Session::ofHandle(env, arguments.values[0])->executor().statistics();
  napi_value out;
  check(env, napi_create_object(env, &out));
  set(env, out, "linearSeconds", makeNumber(env, statistics.linearSeconds));
  set(env, out, "attentionSeconds", makeNumber(env, statistics.attentionSeconds));
  set(env, out, "totalSeconds", makeNumber(env, statistics.totalSeconds));
  set(env, out, "packedBytes", makeNumber(env, static_cast<double>(statistics.packedBytes)));
  return out;
}

napi_value close(napi_env env, const Arguments& arguments) {
  Session::closeHandle(env, arguments.values[0]);
  return nullptr;
}

napi_value peak(napi_env env, const Arguments& arguments) {
  const Reader reader(env, kInputInvalid);
  const auto [format, threads, seconds] = arguments.values;
  const Kernels& kernels = chooseKernels();
  const Format checkedFormat = readFormat(reader, reader.asText(format, "The format"));
  const int numThreads = checkedThreads(reader, reader.asInteger(threads, "The number of threads"));
  const double duration = reader.asNumber(seconds, "The duration");
  if (!(duration > 0 && duration <= kMaxPeakSeconds)) reader.fail("The duration is not between 0 and 60 seconds");
  auto worker = std::make_shared<Worker>();
  Worker::start(env, worker);
  return worker->submit(env, makePeakJob(worker, kernels, checkedFormat, numThreads, duration));
}

void add(napi_env env, napi_value exports, const char* name, napi_callback callback) {
  napi_value function;
  check(env, napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function));
  set(env, exports, name, function);
}

}  // namespace

NAPI_MODULE_INIT() {
  try {
    add(env, exports, "isa", throwing<isa>);
    add(env, exports, "load", rejecting<load>);
    add(env, exports, "run", rejecting<run>);
    add(env, exports, "forget", rejecting<forget>);
    add(env, exports, "keptBytes", throwing<keptBytes>);
    add(env, exports, "cancel", throwing<cancel>);
    add(env, exports, "statistics", throwing<statistics>);
    add(env, exports, "close", throwing<close>);
    add(env, exports, "peak", rejecting<peak>);
  } catch (...) {
    napi_throw(env, makeError(env, std::current_exception()));
  }
  return exports;
}
