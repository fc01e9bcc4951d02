//! What a confined thread can't do any more, and what it still can. A filter holds for one thread.

use std::io::{ErrorKind, Write as _};
use std::net::{TcpListener, UdpSocket};
use std::process::Command;

use super::*;

#[test]
fn nothing_is_opened_or_started_and_work_in_memory_goes_on() {
    if confinement() == Confinement::LimitsOnly {
        println!("this kernel has no seccomp filters");
        return;
    }
    let folder = std::env::temp_dir();
    let mut written = std::fs::File::create(folder.join(format!("confined-{}", std::process::id()))).unwrap();
    let denied = std::thread::spawn(move || {
        assert_eq!(give_up(), Confinement::Filtered);
        let denied = [
            std::fs::File::open("/etc/hostname").map(drop),
            std::fs::File::create(folder.join("confined-new")).map(drop),
            std::fs::remove_file(folder.join("confined-none")),
            TcpListener::bind("127.0.0.1:0").map(drop),
            UdpSocket::bind("127.0.0.1:0").map(drop),
            Command::new("/bin/true").spawn().map(drop),
        ];
        // What is open stays open, and memory can be had.
        written.write_all(b"more").unwrap();
        assert_eq!(vec![1_u8; 4 << 20].iter().map(|one| u64::from(*one)).sum::<u64>(), 4 << 20);
        denied.map(|result| result.map_err(|error| error.kind()))
    })
    .join()
    .unwrap();
    for (place, result) in denied.into_iter().enumerate() {
        assert_eq!(result, Err(ErrorKind::PermissionDenied), "{place}");
    }
    let _ = std::fs::remove_file(std::env::temp_dir().join(format!("confined-{}", std::process::id())));
}
