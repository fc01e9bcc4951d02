//! See `countersign_fuzz::admission_child`.
#![no_main]

use countersign_fuzz::admission_child;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    admission_child::check(bytes);
});
