//! How wasmtime is set up: what rules may use of WebAssembly, the pool of instances, fuel and the epoch.

use std::time::Duration;

use wasmtime::{
    Config, Enabled, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, RegallocAlgorithm, Strategy,
};

/// What an operator may set about the engine.
#[derive(Clone, Copy, Debug)]
pub struct EngineConfig {
    /// How many calls may be under way at once.
    pub concurrent_calls: u32,
    /// The most linear memory that a rule may declare, bytes.
    pub max_memory: usize,
    /// Wall-clock backstop of a call; at least [`EngineConfig::LEAST_DEADLINE`].
    pub deadline: Duration,
}

impl EngineConfig {
    /// No deadline is shorter: a busy machine must not look like a rule that hangs.
    pub const LEAST_DEADLINE: Duration = Duration::from_secs(2);
}

impl Default for EngineConfig {
    fn default() -> Self {
        EngineConfig { concurrent_calls: 8, max_memory: 256 << 20, deadline: Duration::from_secs(10) }
    }
}

/// Bytes of a slot's memory that are reset by writing rather than given back to the kernel: what a call of a few
/// hundred rows dirties.
const KEEP_RESIDENT: usize = 512 << 10;

/// Deepest guest stack, bytes.
const STACK: usize = 512 << 10;

pub(crate) fn wasmtime_config(config: &EngineConfig) -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(config.concurrent_calls)
        .total_core_instances(config.concurrent_calls * 4)
        .total_memories(config.concurrent_calls)
        .total_tables(config.concurrent_calls * 4)
        .max_core_instances_per_component(4)
        .max_memories_per_component(1)
        .max_tables_per_component(4)
        .max_memories_per_module(1)
        .max_tables_per_module(4)
        .table_elements(10_000)
        .max_memory_size(config.max_memory)
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(64 << 10)
        .pagemap_scan(Enabled::Auto);

    let mut wasm = Config::new();
    wasm.strategy(Strategy::Cranelift)
        .cranelift_opt_level(OptLevel::Speed)
        .cranelift_regalloc_algorithm(RegallocAlgorithm::Backtracking)
        .cranelift_nan_canonicalization(true)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .consume_fuel(true)
        .epoch_interruption(true)
        .max_wasm_stack(STACK)
        .coredump_on_trap(true)
        .memory_init_cow(true)
        // Off from the first release: switching one off later would break vendors.
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_tail_call(false)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false)
        .wasm_component_model(true);
    wasm
}
