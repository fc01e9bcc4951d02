//! wasmtime's configuration: the WebAssembly features that rules may use, the pool of instances, fuel and the epoch.

use std::fmt;
use std::time::Duration;

use wasmtime::{
    Config, Enabled, InstanceAllocationStrategy, OperatorCost, OptLevel, PoolingAllocationConfig, RegallocAlgorithm,
    Strategy, WasmFeatures,
};

/// The engine's settings.
#[derive(Clone, Copy, Debug)]
pub struct EngineConfig {
    /// How many calls may run at once; one more waits. At least 1.
    pub concurrent_calls: u32,
    /// Maximum linear memory that a rule may declare, bytes.
    pub max_memory: usize,
    /// Deadline of a call, elapsed time; at least [`EngineConfig::MIN_DEADLINE`].
    pub deadline: Duration,
}

impl EngineConfig {
    /// No deadline is shorter: a busy machine must not look like a rule that hangs.
    pub const MIN_DEADLINE: Duration = Duration::from_secs(2);
}

impl Default for EngineConfig {
    fn default() -> Self {
        EngineConfig { concurrent_calls: 8, max_memory: 256 << 20, deadline: Duration::from_secs(10) }
    }
}

/// Bytes of a slot's memory that are reset by writing rather than returned to the kernel: about what a call of a few
/// hundred rows writes to.
const KEEP_RESIDENT: usize = 512 << 10;

/// Fuel of growing memory or a table, besides what is grown.
const GROW_FUEL: u8 = 200;

/// Fuel of an instruction that works on many bytes or elements, besides those.
const BULK_FUEL: u8 = 10;

/// Maximum guest stack, bytes.
const MAX_STACK: usize = 512 << 10;

/// What one call has room for.
pub(crate) struct Room {
    /// Core instances: the rule's module, and adapters.
    core_instances: u32,
    /// Linear memories.
    memories: u32,
    /// Tables.
    tables: u32,
    /// Elements of a table.
    table_elements: usize,
}

/// Admission's ceilings bound what is *written* in a component; how often a nested part is instantiated is only known once
/// it is compiled. So this is checked when the component is loaded, rather than on its first call. Components of
/// `rule build` need one of each.
pub(crate) const ROOM: Room = Room { core_instances: 4, memories: 1, tables: 4, table_elements: 10_000 };

impl fmt::Display for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Room { core_instances, memories, tables, table_elements } = self;
        write!(f, "{core_instances} core instances, {memories} memory and {tables} tables of {table_elements} elements")
    }
}

/// The configuration of a sandbox.
pub(crate) fn wasmtime_config(config: &EngineConfig) -> Config {
    let calls = config.concurrent_calls.max(1);
    let Room { core_instances, memories, tables, table_elements } = ROOM;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(calls)
        .total_core_instances(calls.saturating_mul(core_instances))
        .total_memories(calls.saturating_mul(memories))
        .total_tables(calls.saturating_mul(tables))
        .max_core_instances_per_component(core_instances)
        .max_memories_per_component(memories)
        .max_tables_per_component(tables)
        .max_memories_per_module(memories)
        .max_tables_per_module(tables)
        .table_elements(table_elements)
        .max_memory_size(config.max_memory)
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(64 << 10)
        .pagemap_scan(Enabled::Auto);

    let mut wasm = code_config();
    wasm.allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .max_wasm_stack(MAX_STACK)
        .coredump_on_trap(true);
    wasm
}

/// The configuration of a compiler process: the same code as a sandbox expects, by one thread, so that its limits mean
/// the same on every machine, and without a pool, since nothing runs there.
pub(crate) fn compiler_config() -> Config {
    let mut wasm = code_config();
    wasm.allocation_strategy(InstanceAllocationStrategy::OnDemand)
        .max_wasm_stack(MAX_STACK)
        .coredump_on_trap(true)
        .parallel_compilation(false);
    wasm
}

/// Fuel by instruction: one, and one a byte or element of those that copy and fill many. What takes far longer than
/// others costs more: growing asks the kernel, and those that work on many enter the host. The memory that growing adds
/// costs as `limiter` says.
fn operator_cost() -> OperatorCost {
    let mut cost = OperatorCost::new();
    (cost.MemoryGrow, cost.TableGrow) = (GROW_FUEL, GROW_FUEL);
    for bulk in [
        &mut cost.MemoryCopy,
        &mut cost.MemoryFill,
        &mut cost.MemoryInit,
        &mut cost.TableCopy,
        &mut cost.TableFill,
        &mut cost.TableInit,
    ] {
        *bulk = BULK_FUEL;
    }
    cost
}

/// All settings that the compiled code depends on.
fn code_config() -> Config {
    let mut wasm = Config::new();
    wasm.strategy(Strategy::Cranelift)
        .cranelift_opt_level(OptLevel::Speed)
        .cranelift_regalloc_algorithm(RegallocAlgorithm::Backtracking)
        .cranelift_nan_canonicalization(true)
        .consume_fuel(true)
        .operator_cost(operator_cost())
        .epoch_interruption(true)
        .memory_init_cow(true)
        // For debuggers and backtraces of native code, which aren't used: they would be a fifth of what an idle rule
        // keeps mapped, and frames would be registered at each loading.
        .generate_address_map(false)
        .native_unwind_info(false);
    // Only what admission accepts, regardless of the compiler's defaults.
    wasm.wasm_features(WasmFeatures::all(), false);
    for feature in countersign_admission::feature_names().into_iter().filter_map(WasmFeatures::from_name) {
        wasm.wasm_features(feature, true);
    }
    wasm
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn engine() -> wasmtime::Engine {
        wasmtime::Engine::new(&wasmtime_config(&EngineConfig { concurrent_calls: 1, ..EngineConfig::default() }))
            .unwrap()
    }

    fn compile(engine: &wasmtime::Engine, fields: &str) -> Result<(), String> {
        let bytes = wat::parse_str(format!("(component {fields})")).unwrap();
        wasmtime::component::Component::from_binary(engine, &bytes).map(|_| ()).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn every_feature_that_admission_accepts_is_on() {
        let names = countersign_admission::feature_names();
        assert!(names.iter().all(|name| WasmFeatures::from_name(name).is_some()), "{names:?}");
        let engine = engine();
        for fields in [
            "(core module (global (export \"g\") (mut i32) (i32.const 0)))",
            "(core module (func (param f64) (result i64) (i64.trunc_sat_f64_s (local.get 0))))",
            "(core module (func (param i32) (result i32) (i32.extend8_s (local.get 0))))",
            "(core module (table 1 funcref) (func (drop (table.size 0))))",
            "(core module (func (result i32 i32) i32.const 1 i32.const 2))",
            "(core module (memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 8))))",
            "(core module (func (result v128) (i32x4.splat (i32.const 1))))",
        ] {
            assert_eq!(compile(&engine, fields), Ok(()), "{fields}");
        }
    }

    #[test]
    fn a_feature_that_admission_refuses_is_refused_by_the_engine_too() {
        #[derive(serde::Deserialize)]
        struct Fixture {
            append: String,
        }

        let engine = engine();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/admission");
        let mut tried = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("feature-")) {
                let fixture: Fixture = toml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
                assert!(compile(&engine, &fixture.append).is_err(), "{}", path.display());
                tried += 1;
            }
        }
        assert!(tried >= 12, "only {tried} fixtures of features that are off");
    }
}
