//! See `countersign_fuzz::sources`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    countersign_fuzz::sources::check(&countersign_formats::Ocsf, bytes);
});
