//! See `countersign_fuzz::operator_files`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    countersign_fuzz::operator_files::check(bytes);
});
