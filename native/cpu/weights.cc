// Loads weights: the packed cache where it fits, the checkpoint's files otherwise.

#include "weights.h"

#include <algorithm>
#include <iterator>
#include <memory>

#include "failure.h"

namespace {

/** Packs panels of all weights in parallel, each from and to where it belongs. */
class Packer {
 public:
  Packer(const Plan& plan, const PackedLayout& layout, const std::atomic<bool>& isCancelled)
      : plan_(plan), layout_(layout), isCancelled_(isCancelled), sources_(plan.weights.size()) {}

  void add(int weight, const SourceMatrix& source, const Mapping* file) { sources_[weight] = {source, file}; }

  PackedMemory toMemory(ThreadPool& pool) const {
    PackedMemory packed{Mapping::room(layout_.bytes), 0};
    pool.parallelFor(layout_.numPanels, [&](int64_t number, int) {
      packPanelAt(layout_.panel(number), packed.data() + layout_.panel(number).offset);
    });
    return packed;
  }

  PackedMemory toCache(const std::string& path, ThreadPool& pool) const {
    PackedCacheWriter writer(path, layout_);
    std::vector<std::unique_ptr<unsigned char[]>> panels(static_cast<size_t>(pool.threads()));
    for (auto& panel : panels) panel = std::make_unique<unsigned char[]>(static_cast<size_t>(layout_.maxPanelBytes));
    pool.parallelFor(layout_.numPanels, [&](int64_t number, int thread) {
      packPanelAt(layout_.panel(number), panels[thread].get());
      writer.write(number, panels[thread].get());
    });
    return writer.finish();
  }

 private:
  struct Source {
    SourceMatrix matrix{};
    const Mapping* file = nullptr;
  };

  void packPanelAt(const PanelPlace& place, unsigned char* out) const {
    if (isCancelled_) throw Failure(kCancelled, "The load was cancelled.");
    const Source& source = sources_[place.weight];
    packPanel(source.matrix, place.panel, plan_.weights[place.weight].format, out);
    if (source.file == nullptr) return;
    // What has been packed is not read again.
    const int64_t bytes = kPanel * source.matrix.columns * elementBytes(source.matrix.type);
    const int64_t offset = source.matrix.data - source.file->data() + place.panel * bytes;
    source.file->drop(offset, std::min(bytes, source.file->size() - offset));
  }

  const Plan& plan_;
  const PackedLayout& layout_;
  const std::atomic<bool>& isCancelled_;
  std::vector<Source> sources_;
};

}  // namespace

void Table::readRow(int64_t row, float* out) const {
  const int64_t bytes = source.columns * elementBytes(source.type);
  readNumbers(source.type, source.data + row * bytes, source.columns, out);
}

void Table::dropPages() const {
  if (file != nullptr) file->drop(offset, source.rows * source.columns * elementBytes(source.type));
}

Weights::Weights(const Plan& plan, const Options& options, ThreadPool& pool)
    : matrices_(plan.weights.size()), vectors_(plan.weights.size()), tables_(plan.weights.size()) {
  pack(plan, options, pool);
  for (size_t index = 0; index < plan.weights.size(); index++) {
    const PlanWeight& weight = plan.weights[index];
    if (weight.kind != WeightKind::vector) continue;
    const SourceMatrix numbers = source(weight);
    vectors_[index].resize(static_cast<size_t>(roundUp(numbers.columns, kPanel)));
    readNumbers(numbers.type, numbers.data, numbers.columns, vectors_[index].data());
  }
  for (size_t index = 0; index < plan.weights.size(); index++) {
    const PlanWeight& weight = plan.weights[index];
    if (weight.kind != WeightKind::table) continue;
    tables_[index] = {source(weight), nullptr, weight.source.offset};
    if (weight.source.data == nullptr) tables_[index].file = &files_.at(weight.source.file);
  }
  unmapUnused();
}

void Weights::unmapUnused() {
  for (auto file = files_.begin(); file != files_.end();) {
    const Mapping* const mapping = &file->second;
    const bool hasTable =
        std::any_of(tables_.begin(), tables_.end(), [mapping](const Table& table) { return table.file == mapping; });
    if (hasTable) mapping->drop(0, mapping->size());
    file = hasTable ? std::next(file) : files_.erase(file);
  }
}

void Weights::pack(const Plan& plan, const Options& options, ThreadPool& pool) {
  const PackedLayout layout = layOut(plan);
  if (layout.numPanels == 0) return;
  if (!options.cacheFile.empty()) packed_ = openPackedCache(options.cacheFile, layout, pool);
  if (packed_.isEmpty()) {
    Packer packer(plan, layout, options.isCancelled);
    for (const PackedEntry& entry : layout.entries) {
      const PlanWeight& weight = plan.weights[entry.weight];
      const SourceMatrix numbers = source(weight);
      packer.add(entry.weight, numbers, weight.source.data ? nullptr : &files_.at(weight.source.file));
    }
    try {
      if (!options.cacheFile.empty()) packed_ = packer.toCache(options.cacheFile, pool);
    } catch (const CacheUnwritable& reason) {
      warning_ = "Packed weights were not kept in " + options.cacheFile + ": " + reason.what() + ".";
    }
    if (packed_.isEmpty()) packed_ = packer.toMemory(pool);
  }
  for (const PackedEntry& entry : layout.entries) {
    const PlanWeight& weight = plan.weights[entry.weight];
    matrices_[entry.weight] = {weight.format, weightRows(weight), weightColumns(weight), packed_.data() + entry.offset};
  }
}

SourceMatrix Weights::source(const PlanWeight& weight) {
  const WeightSource& place = weight.source;
  SourceMatrix matrix{place.type, nullptr, weightRows(weight), weightColumns(weight)};
  if (place.data != nullptr) {
    matrix.data = reinterpret_cast<const unsigned char*>(place.data);
    return matrix;
  }
  auto found = files_.find(place.file);
  if (found == files_.end()) found = files_.emplace(place.file, Mapping::file(place.file)).first;
  const int64_t bytes = matrix.rows * matrix.columns * elementBytes(place.type);
  if (bytes > found->second.size() || place.offset > found->second.size() - bytes) {
    throw Failure(kWeightsUnreadable, "The file " + place.file + " ends before the weight " + weight.name + ".");
  }
  matrix.data = found->second.data() + place.offset;
  return matrix;
}
