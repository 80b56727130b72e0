#include "compiler/Target/Cpu/CompileKernels.h"

#include "compiler/Codegen/Cpu/Generators.h"
#include "compiler/Codegen/Cpu/KernelBuilder.h"
#include "compiler/Target/CompileCache.h"
#include "compiler/Target/Cpu/CodegenVersion.inc"
#include "compiler/Target/Cpu/Link.h"
#include "compiler/Target/Cpu/Lowering.h"

#include "mlir/IR/Verifier.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/raw_ostream.h"

#include <cstring>
#include <optional>
#include <set>

namespace quipu::cpu {
namespace {

struct CompiledKernel {
  int64_t scratchBytes = 0; // for each worker
  std::string object;       // ELF, defines one symbol
};

// As the cache keeps it: the scratch size, then the object.
std::string toBytes(const CompiledKernel &kernel) {
  std::string bytes(sizeof(kernel.scratchBytes), '\0');
  std::memcpy(bytes.data(), &kernel.scratchBytes, sizeof(kernel.scratchBytes));
  return bytes + kernel.object;
}

std::optional<CompiledKernel> fromBytes(const std::optional<std::string> &bytes) {
  CompiledKernel kernel;
  if (!bytes || bytes->size() <= sizeof(kernel.scratchBytes))
    return std::nullopt;
  std::memcpy(&kernel.scratchBytes, bytes->data(), sizeof(kernel.scratchBytes));
  kernel.object = bytes->substr(sizeof(kernel.scratchBytes));
  return kernel;
}

std::string cacheKey(const KernelSpec &spec, const Chip &chip) {
  return CompileCache::key(fmt::format("{}\n{}\n{}", spec.print(), chip.print(), codeGenerator()));
}

// The name a kernel has in its object, the same for every spec that means it.
std::string internalSymbol(const std::string &key) { return "kernel_" + key; }

// One thread's compiler: an MLIR context is costly to make and not to be shared.
class KernelCompiler {
public:
  explicit KernelCompiler(const Chip &chip)
      : chip(chip), lowering(Lowering::create(chip)), mlirContext(registry(), mlir::MLIRContext::Threading::DISABLED) {
    mlirContext.loadAllAvailableDialects();
  }

  Expected<mlir::OwningOpRef<mlir::ModuleOp>> build(const KernelSpec &spec, const std::string &symbol,
                                                    int64_t &scratchBytes) {
    Generator generator = findGenerator(spec.generator);
    const KernelSignature *signature = findSignature(spec.generator);
    if (!generator || !signature)
      return makeError("kernel @{}: unknown generator \"{}\"", spec.symbol, spec.generator);
    mlir::OwningOpRef<mlir::ModuleOp> module = mlir::ModuleOp::create(mlir::UnknownLoc::get(&mlirContext));
    KernelBuilder builder(*module, symbol, *signature, chip);
    if (auto generated = generator(spec, builder); !generated)
      return passError(std::move(generated));
    builder.finish();
    if (mlir::failed(mlir::verify(*module)))
      return makeError("kernel @{}: generator \"{}\" built invalid IR for {}", spec.symbol, spec.generator,
                       spec.print());
    scratchBytes = builder.scratchBytes();
    return module;
  }

  Expected<std::unique_ptr<llvm::Module>> lower(mlir::ModuleOp module, llvm::LLVMContext &context) {
    if (!lowering)
      return makeError("{}", lowering.error().message);
    if (auto lowered = lowering->toLlvmDialect(module); !lowered)
      return passError(std::move(lowered));
    return lowering->toLlvm(module, context);
  }

  Expected<CompiledKernel> compile(const KernelSpec &spec, const std::string &symbol) {
    CompiledKernel kernel;
    auto module = build(spec, symbol, kernel.scratchBytes);
    if (!module)
      return passError(std::move(module));
    llvm::LLVMContext context;
    auto llvmModule = lower(**module, context);
    if (!llvmModule)
      return passError(std::move(llvmModule));
    auto object = lowering->toCode(**llvmModule, CodeForm::Object);
    if (!object)
      return passError(std::move(object));
    kernel.object = std::move(*object);
    return kernel;
  }

  Expected<std::string> print(const KernelSpec &spec, KernelForm form) {
    int64_t scratchBytes = 0;
    auto module = build(spec, spec.symbol, scratchBytes);
    if (!module)
      return passError(std::move(module));
    std::string text;
    llvm::raw_string_ostream stream(text);
    if (form == KernelForm::Mlir) {
      (*module)->print(stream);
      return text;
    }
    llvm::LLVMContext context;
    auto llvmModule = lower(**module, context);
    if (!llvmModule)
      return passError(std::move(llvmModule));
    if (form == KernelForm::Assembly)
      return lowering->toCode(**llvmModule, CodeForm::Assembly);
    (*llvmModule)->print(stream, nullptr);
    return text;
  }

private:
  static mlir::DialectRegistry registry() {
    mlir::DialectRegistry registry;
    registerKernelDialects(registry);
    return registry;
  }

  Chip chip;
  Expected<Lowering> lowering;
  mlir::MLIRContext mlirContext;
};

struct Job {
  const KernelSpec *spec;
  std::string key;
  CompiledKernel kernel;
};

// Fills every job's kernel and gives the number of those that were not in the cache.
Expected<size_t> runJobs(std::vector<Job> &jobs, const Chip &chip, const CompileOptions &options) {
  CompileCache cache(options.cacheFolder);
  std::vector<Job *> missing;
  for (Job &job : jobs) {
    if (auto found = fromBytes(cache.find(job.key)))
      job.kernel = std::move(*found);
    else
      missing.push_back(&job);
  }
  auto makeWorker = [&] {
    return [&, compiler = std::make_shared<KernelCompiler>(chip)](size_t index) -> Expected<> {
      Job &job = *missing[index];
      auto kernel = compiler->compile(*job.spec, internalSymbol(job.key));
      if (!kernel)
        return passError(std::move(kernel));
      job.kernel = std::move(*kernel);
      cache.put(job.key, toBytes(job.kernel));
      return {};
    };
  };
  auto done =
      runCompileJobs(missing.size(), makeWorker, options.threads, options.progress, jobs.size() - missing.size());
  if (!done)
    return passError(std::move(done));
  return missing.size();
}

} // namespace

Expected<CompiledKernels> compileKernels(const std::vector<KernelSpec> &specs, const Chip &chip,
                                         const CompileOptions &options) {
  std::vector<Job> jobs;
  std::vector<ExportedSymbol> exports;
  std::map<std::string, size_t> jobOfKey;
  std::set<std::string> symbols;
  std::vector<size_t> jobOfSpec;
  for (const KernelSpec &spec : specs) {
    if (!symbols.insert(spec.symbol).second)
      return makeError("two kernels are called @{}", spec.symbol);
    std::string key = cacheKey(spec, chip);
    auto [entry, isNew] = jobOfKey.try_emplace(key, jobs.size());
    if (isNew)
      jobs.push_back({&spec, key, {}});
    exports.push_back({spec.symbol, internalSymbol(key)});
    jobOfSpec.push_back(entry->second);
  }
  auto compiled = runJobs(jobs, chip, options);
  if (!compiled)
    return passError(std::move(compiled));

  std::vector<std::string> objects;
  for (const Job &job : jobs)
    objects.push_back(job.kernel.object);
  auto sharedObject = linkSharedObject(objects, exports);
  if (!sharedObject)
    return passError(std::move(sharedObject));
  CompiledKernels result{std::move(*sharedObject), {}, *compiled};
  for (size_t job : jobOfSpec)
    result.scratchBytes.push_back(jobs[job].kernel.scratchBytes);
  return result;
}

std::string codeGenerator() { return fmt::format("llvm {}\ncodegen {}", LLVM_VERSION_STRING, codegenVersion); }

Expected<std::string> printKernel(const KernelSpec &spec, const Chip &chip, KernelForm form) {
  return KernelCompiler(chip).print(spec, form);
}

} // namespace quipu::cpu
