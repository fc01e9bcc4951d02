//! One call: a fresh store and instance, the declared fuel and memory, the deadline, and the answer in plain data. What
//! it used is reported on request.

use countersign_declaration::Limits;
use countersign_model::call::{CallFailure, DetectionAnswer, DetectionCall, FailureKind};
use countersign_model::response::{ResponseAnswer, ResponseCall};
use wasmtime::Store;

use crate::bindings::{detection, response};
use crate::limiter::Limiter;
use crate::rule::Sandbox;
use crate::{failure, lift, lower};

/// What every call of a rule gets, regardless of its size.
#[derive(Clone, Copy)]
pub(crate) struct Allowance {
    pub(crate) limits: Limits,
    pub(crate) deadline_ticks: u64,
}

/// What a call used of what it was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Fuel: about one an instruction, one a byte that an instruction copies or fills, and what memory costs beyond that
    /// which is free.
    pub fuel: u64,
    /// Bytes of memories and tables at its end, which is also the maximum: neither ever shrinks.
    pub memory: u64,
    /// Bytes of the answer as the declared output counts them; 0 of a call without an answer.
    pub output: u64,
}

/// Lifting charges by host sizes, which are larger than canonical ones: a list of records of texts by a factor of
/// less than four. The declared limit itself is counted in canonical bytes once the answer is there.
const HOST_BYTES_PER_CANONICAL: usize = 4;
const HOST_BYTES_BASE: usize = 64 << 10;

pub(crate) fn detect(
    sandbox: &Sandbox,
    pre: &detection::DetectionPre<Limiter>,
    allowance: Allowance,
    call: &DetectionCall,
    mut usage: Option<&mut Usage>,
) -> Result<DetectionAnswer, CallFailure> {
    let kinds = lower::kinds(&call.batch.rows);
    let columns = lower::columns(&call.batch.columns);
    let batch = lower::batch(&call.batch, &kinds, &columns);
    let state = lower::state(&call.state);
    let lists = lower::parameter_lists(&call.parameters);
    let parameters = lower::detection_parameters(&call.parameters, &lists);
    let tables = lower::table_lists(&call.context);
    let context = lower::context(&call.context, &tables);

    let answer = run(sandbox, allowance, usage.as_deref_mut(), |store| {
        let instance = pre.instantiate(&mut *store)?;
        instance.countersign_rules_detect().call_evaluate(store, batch, &state, &parameters, &call.data, &context)
    })?;
    check_output(allowance, lift::detection_answer_size(&answer), usage)?;
    Ok(lift::detection_answer(answer))
}

pub(crate) fn migrate(
    sandbox: &Sandbox,
    pre: &detection::DetectionPre<Limiter>,
    allowance: Allowance,
    slot: u32,
    from_version: u32,
    blob: &[u8],
) -> Result<Vec<u8>, CallFailure> {
    let migrated = run(sandbox, allowance, None, |store| {
        let instance = pre.instantiate(&mut *store)?;
        instance.countersign_rules_detect().call_migrate(store, slot, from_version, blob)
    })?;
    let migrated =
        migrated.map_err(|message| CallFailure { kind: FailureKind::InvalidAnswer, message: clip(message) })?;
    check_output(allowance, migrated.len(), None)?;
    Ok(migrated)
}

pub(crate) fn respond(
    sandbox: &Sandbox,
    pre: &response::ResponsePre<Limiter>,
    allowance: Allowance,
    call: &ResponseCall,
    mut usage: Option<&mut Usage>,
) -> Result<ResponseAnswer, CallFailure> {
    let parts = lower::IncidentParts::of(&call.incident);
    let incident_lists = lower::IncidentLists::of(&call.incident, &parts);
    let lists = lower::parameter_lists(&call.parameters);
    let parameters = lower::response_parameters(&call.parameters, &lists);

    let answer = run(sandbox, allowance, usage.as_deref_mut(), |store| {
        let instance = pre.instantiate(&mut *store)?;
        let incident = incident_lists.incident(&call.incident);
        instance.countersign_rules_respond().call_propose(store, incident, &parameters, &call.data)
    })?;
    check_output(allowance, lift::response_answer_size(&answer), usage)?;
    Ok(lift::response_answer(answer))
}

fn run<T>(
    sandbox: &Sandbox,
    allowance: Allowance,
    usage: Option<&mut Usage>,
    body: impl FnOnce(&mut Store<Limiter>) -> wasmtime::Result<T>,
) -> Result<T, CallFailure> {
    let limits = allowance.limits;
    // Released after the store has released its part of the pool.
    let _slot = sandbox.slots.take();
    let mut store = Store::new(&sandbox.wasmtime, Limiter::new(limits.memory, limits.fuel));
    store.limiter(|limiter| limiter);
    store.set_epoch_deadline(allowance.deadline_ticks);
    let output = usize::try_from(limits.output).unwrap_or(usize::MAX);
    store.set_hostcall_fuel(output.saturating_mul(HOST_BYTES_PER_CANONICAL).saturating_add(HOST_BYTES_BASE));
    let answer = store.set_fuel(limits.fuel).and_then(|()| body(&mut store));
    let instructions = limits.fuel.saturating_sub(store.get_fuel().unwrap_or_default());
    let (memory, cost) = (store.data().taken(), store.data().cost());
    let used = instructions.saturating_add(cost);
    if let Some(usage) = usage {
        usage.fuel = used;
        usage.memory = memory;
    }
    let answer = answer.map_err(|error| failure::classify(&error, &mut store))?;
    if used > limits.fuel {
        let message = format!("the declared fuel was used up: {cost} of it by {memory} bytes of memory");
        return Err(CallFailure { kind: FailureKind::FuelExhausted, message });
    }
    Ok(answer)
}

fn check_output(allowance: Allowance, size: usize, usage: Option<&mut Usage>) -> Result<(), CallFailure> {
    let max = allowance.limits.output;
    if let Some(usage) = usage {
        usage.output = size as u64;
    }
    if u32::try_from(size).is_ok_and(|size| size <= max) {
        return Ok(());
    }
    Err(CallFailure {
        kind: FailureKind::OutputExceeded,
        message: format!("the answer has {size} bytes, the declaration allows {max}"),
    })
}

/// Cuts a guest's text, which is shown to people, to 1 KiB.
fn clip(mut text: String) -> String {
    let end = text.floor_char_boundary(1024);
    text.truncate(end);
    text
}
