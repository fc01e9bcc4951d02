#![no_main]
//! See `countersign_fuzz::answer`.

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    countersign_fuzz::answer::check(bytes);
});
