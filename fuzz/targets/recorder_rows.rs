//! See `countersign_fuzz::recorder_rows`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    countersign_fuzz::recorder_rows::check(bytes);
});
