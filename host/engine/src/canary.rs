//! The canary: a call that any machine makes within the deadline. If it misses the deadline too, the machine is stalled,
//! and no rule is to blame.

use wasmtime::{Instance, Module, Store};

use crate::limiter::Limiter;

/// A core module that exports `beat`, which counts to a million: milliseconds on any machine.
const MODULE: &[u8] = &[
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, // magic and version
    0x01, 0x04, 0x01, 0x60, 0x00, 0x00, // one type: no parameters, no results
    0x03, 0x02, 0x01, 0x00, // one function of it
    0x07, 0x08, 0x01, 0x04, b'b', b'e', b'a', b't', 0x00, 0x00, // exported as `beat`
    0x0a, 0x17, 0x01, 0x15, // one body of 21 bytes
    0x01, 0x01, 0x7f, // one local, an i32
    0x03, 0x40, // loop
    0x20, 0x00, 0x41, 0x01, 0x6a, 0x22, 0x00, // local += 1
    0x41, 0xc0, 0x84, 0x3d, 0x49, 0x0d, 0x00, // again while it is below 1,000,000
    0x0b, 0x0b, // end
];

/// Fuel for the count, several times over.
const FUEL: u64 = 100_000_000;

/// Whether a call returns within so many ticks.
pub(crate) fn beats(engine: &wasmtime::Engine, deadline_ticks: u64) -> bool {
    let beat = || -> wasmtime::Result<()> {
        let module = Module::new(engine, MODULE)?;
        let mut store = Store::new(engine, Limiter::new(0, FUEL));
        store.limiter(|limiter| limiter);
        store.set_fuel(FUEL)?;
        store.set_epoch_deadline(deadline_ticks);
        let instance = Instance::new(&mut store, &module, &[])?;
        instance.get_typed_func::<(), ()>(&mut store, "beat")?.call(&mut store, ())
    };
    beat().is_ok()
}
