//! The entry point of a detection: judges rows in order; state is decoded once per key and call.

use crate::bindings::detect::{Answer, Batch, ContextTable, Parameter, SlotState};
use crate::context::Context;
use crate::event::Event;
use crate::parameters::Reader;
use crate::rule::Detection;

/// Judges a batch with the rule `R`: what the component's `evaluate` does, over the same types.
///
/// # Panics
/// When the batch has other columns than the rule was compiled for, or breaks the contract of the WIT, and when the
/// rule panics.
#[must_use]
pub fn evaluate<R: Detection>(
    batch: &Batch,
    state: &[SlotState],
    parameters: &[Parameter],
    data: &[u8],
    context: &[ContextTable],
) -> Answer {
    if batch.schema_hash != R::SCHEMA_HASH || batch.columns.len() != R::FIELDS.len() {
        schema_mismatch::<R>(batch);
    }
    let parameters = R::parameters(&mut Reader::of_detection(parameters));
    let mut cx = Context::new(&parameters, data, context);
    let states = R::judge(batch, state, &mut cx);
    Answer { states, ..cx.into_answer() }
}

/// Judges the rows of a batch in order. The expansion of `#[detection]` uses it.
#[doc(hidden)]
#[inline]
pub fn for_each_row<R: Detection>(
    batch: &Batch,
    cx: &mut Context<'_, '_, R>,
    mut judge: impl FnMut(&Event<'_, R>, &mut Context<'_, '_, R>),
) {
    for row in 0..batch.rows.references.len() {
        let event = Event::new(batch, row);
        // A batch has fewer than 2^32 rows: their indices are u32 in the WIT.
        cx.enter(row as u32, event.key_index());
        judge(&event, cx);
    }
}

/// Turns a state blob of an older version of a slot into one of the declared version: what the component's `migrate`
/// does.
///
/// # Errors
/// A message for the operator when the rule can't migrate from that version.
pub fn migrate<R: Detection>(slot: u32, from_version: u32, blob: &[u8]) -> Result<Vec<u8>, String> {
    R::migrate(slot, from_version, blob)
}

#[cold]
#[inline(never)]
#[expect(clippy::panic, reason = "the host broke the contract: no answer can be right")]
fn schema_mismatch<R: Detection>(batch: &Batch) -> ! {
    panic!(
        "schema mismatch: the rule was compiled for {} columns with schema hash {:016x}, the batch has {} with {:016x}: \
         build the rule again from its rule.toml",
        R::FIELDS.len(),
        R::SCHEMA_HASH,
        batch.columns.len(),
        batch.schema_hash
    )
}

/// Exports the world `detection` for a rule, on `wasm32`. The expansion of `#[detection]` calls it.
#[doc(hidden)]
#[macro_export]
macro_rules! __export_detection {
    ($rule:ident) => {
        const _: () = {
            use $crate::bindings::detect;

            struct Guest;

            impl detect::Guest for Guest {
                fn evaluate(
                    batch: detect::Batch,
                    state: ::std::vec::Vec<detect::SlotState>,
                    parameters: ::std::vec::Vec<detect::Parameter>,
                    data: ::std::vec::Vec<u8>,
                    context: ::std::vec::Vec<detect::ContextTable>,
                ) -> detect::Answer {
                    $crate::install_panic_hook::<$rule>();
                    $crate::evaluate::<$rule>(&batch, &state, &parameters, &data, &context)
                }

                fn migrate(
                    slot: u32,
                    from_version: u32,
                    blob: ::std::vec::Vec<u8>,
                ) -> ::std::result::Result<::std::vec::Vec<u8>, ::std::string::String> {
                    $crate::install_panic_hook::<$rule>();
                    $crate::migrate::<$rule>(slot, from_version, &blob)
                }
            }

    $crate::bindings::detection::export_detection_world!(Guest with_types_in $crate::bindings::detection);
        };
    };
}
