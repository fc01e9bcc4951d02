//! How rules are admitted. Reading untrusted bytes can take minutes and gigabytes, or crash the reader, so admission runs
//! in a child process within limits (`child`), and this process only learns its verdict (`verdict`). A verdict is kept
//! in the cache, refusals too; of an admitted rule this process reads again what is cheap: sections, declaration, data.

mod child;
mod intake;
mod parent;
mod verdict;

pub use child::{ServeError, serve};
pub use countersign_confine::{ChildLimits, confine};
pub use intake::{ADMISSION_LIMITS, Intake, IntakeObserver, Judged, Place};
pub use parent::max_rule;
pub use verdict::{MAX_VERDICT, Verdict};
