//! Allocates more memory than it declares: bit by bit, or at once while checking whether it succeeds.

use countersign_sdk::prelude::*;

countersign_sdk::rule!();

#[detection]
fn detect(event: &Event, cx: &mut Context) {
    let message = match event.api_operation() {
        Some("BitByBit") => {
            let mut hoard: Vec<Vec<u8>> = Vec::new();
            loop {
                hoard.push(vec![1; 64 << 10]);
                core::hint::black_box(&hoard);
            }
        }
        // An answer that depends on how much memory the host has.
        Some("AtOnce") => match Vec::<u8>::new().try_reserve_exact(1 << 30) {
            Ok(()) => "got a GiB",
            Err(_) => "got no GiB",
        },
        _ => "was modest",
    };
    cx.report(Finding::new(class::Privilege, 60).message(message));
}
