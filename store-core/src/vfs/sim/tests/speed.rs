//! Long files and many images cost little: the explorer lives on it.

use super::empty_file;
use crate::vfs::sim::{Choice, SimVfs};
use crate::vfs::{File, Folder, Vfs};

#[test]
fn a_long_file_of_zeros_takes_no_memory_to_speak_of() {
    let vfs = SimVfs::new();
    let zeros = vec![0; 1 << 20];
    for number in 0..16 {
        let file = empty_file(&vfs, &number.to_string());
        (0..64).for_each(|at| assert_eq!(file.write_at(&zeros, at << 20).unwrap(), 1 << 20));
        file.write_at(b"x", 5 << 20).unwrap();
        file.sync_data().unwrap();
    }
    for image in 0..1000 {
        let image = vfs.image(Choice::nth(1, 1, image));
        assert_eq!(image.vfs.root().unwrap().stat("7").unwrap().length, 64 << 20);
    }
}
