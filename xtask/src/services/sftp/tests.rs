//! Tests of the configuration.

use super::*;

#[test]
fn only_keys_and_only_files() {
    let text = configuration(Path::new("/a folder"), 40123, "somebody");
    for line in ["AuthenticationMethods publickey", "ForceCommand internal-sftp", "ListenAddress 127.0.0.1"] {
        assert!(text.lines().any(|found| found == line), "no `{line}` in {text}");
    }
    assert!(text.contains("HostKey \"/a folder/host_key\""));
}

#[test]
fn an_older_server_is_not_told_what_it_would_refuse() {
    let program = Program::of_system("/usr/sbin/sshd");
    for version in [&[7, 9][..], &[9, 2], &[]] {
        assert_eq!(of_newer_versions(&program, version), "");
    }
    for version in [&[9, 8][..], &[9, 9], &[10, 0]] {
        assert_eq!(of_newer_versions(&program, version), "PerSourcePenalties no\n");
    }
}
