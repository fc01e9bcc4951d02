//! See `countersign_fuzz::admission`. Mutations know sections: see `countersign_fuzz::component`.
#![no_main]

use countersign_fuzz::{admission, component};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(|bytes: &[u8]| {
    admission::check(bytes);
});

fuzz_mutator!(|bytes: &mut [u8], size: usize, max_size: usize, seed: u32| {
    // One in four as libFuzzer likes: the framing itself has to be searched too.
    if seed % 4 == 0 {
        return fuzzer_mutate(bytes, size, max_size);
    }
    let whole = bytes.get(..size).unwrap_or_default();
    let mutated = component::mutate(whole, u64::from(seed), |contents, max| {
        let (length, max) = (contents.len(), max.max(contents.len()));
        contents.resize(max, 0);
        let length = fuzzer_mutate(contents, length, max);
        contents.truncate(length);
    });
    match mutated {
        Some(mutated) if mutated.len() <= max_size => {
            for (to, from) in bytes.iter_mut().zip(&mutated) {
                *to = *from;
            }
            mutated.len()
        }
        _ => fuzzer_mutate(bytes, size, max_size),
    }
});
