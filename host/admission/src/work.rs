//! The work of validating, counted: an instruction of two bytes can take and leave a thousand values.

use wasmparser::{BinaryReader, FrameStack, ModuleArity, Operator};

/// Most values that are counted for one instruction: the validator takes none of more.
const MAX_VALUES: u32 = 10_000;

/// Counts work, up to a maximum.
pub(crate) struct Meter {
    left: u64,
}

/// There was more work than that.
pub(crate) struct TooMuch;

impl Meter {
    pub(crate) fn new(most: u64) -> Meter {
        Meter { left: most }
    }

    /// Takes so much of what is left.
    pub(crate) fn take(&mut self, work: u64) -> Result<(), TooMuch> {
        self.left = self.left.checked_sub(work).ok_or(TooMuch)?;
        Ok(())
    }
}

/// The work of the next instruction: one, and one for each value that it takes and leaves; for a table of branches, those
/// of each branch. 1 if it can't be read, which validation reports.
pub(crate) fn weight<T: FrameStack + ModuleArity>(bytes: &[u8], reader: &BinaryReader<'_>, at: &T) -> u64 {
    // Of most instructions the first byte shows that it takes at most three values: `drop`, and from `local.get` to
    // `ref.is_null`.
    if matches!(bytes.get(reader.original_position()), Some(0x1a | 0x20..=0xd1)) {
        return 1;
    }
    // After the function's last `end` there is no block that an instruction could be in.
    if at.control_stack_height() == 0 {
        return 1;
    }
    let Ok(operator) = reader.peek_operator(at) else { return 1 };
    let branches = match &operator {
        Operator::BrTable { targets } => u64::from(targets.len()) + 1,
        _ => 1,
    };
    let (taken, left) = operator.operator_arity(at).unwrap_or_default();
    (u64::from(taken.min(MAX_VALUES)) + u64::from(left.min(MAX_VALUES))).saturating_mul(branches).saturating_add(1)
}
