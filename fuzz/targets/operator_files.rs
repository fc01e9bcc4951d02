#![no_main]
//! See `countersign_fuzz::operator_files`.

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    countersign_fuzz::operator_files::check(bytes);
});
