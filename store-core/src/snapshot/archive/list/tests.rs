//! One list, one text.

use expect_test::expect;

use super::*;
use crate::error::Result;

fn members() -> Vec<ArchiveMember> {
    let key = Key::new("tables/é/part 0.bin").unwrap();
    let file = ArchiveMember::file(&key, 3, Hash::of(b"abc"));
    vec![file, ArchiveMember::block(0, Hash::of(b""))]
}

fn list(members: Vec<ArchiveMember>, limits: &ArchiveLimits) -> Result<ArchiveList> {
    ArchiveList::new(Hash::of(b"content"), b"manifest", members, limits)
}

#[test]
fn a_list_prints_sorted_and_reads_back() {
    let list = list(members(), &ArchiveLimits::default()).unwrap();
    let printed = list.print().unwrap();
    expect![[r#"
        {"format":1,"content":"3fba5250be9ac259c56e7250c526bc83bacb4be825f2799d3d59e5b4878dd74e","manifest":{"bytes":8,"blake3":"0d197521d9a48760576da1c87dfd828a60d397ea1e16f92a5b7c44b4f4060ce1"},"members":[{"name":"blocks/af/af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262","bytes":0,"blake3":"af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"},{"name":"files/tables/é/part 0.bin","bytes":3,"blake3":"6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"}]}
    "#]]
    .assert_eq(std::str::from_utf8(&printed).unwrap());
    assert_eq!(ArchiveList::parse(&printed, &ArchiveLimits::default()).unwrap(), list);
    let kinds: Vec<_> = list.members().iter().map(|member| member.kind().unwrap()).collect();
    assert_eq!(kinds, [MemberKind::Block, MemberKind::File("tables/é/part 0.bin")]);
}

#[test]
fn what_is_made_keeps_to_the_limits() {
    let tight = |limits: ArchiveLimits| list(members(), &limits).unwrap_err();
    let default = ArchiveLimits::default;
    let cases = [
        (tight(default().with_members_max(1)), "limit: members_max, found: 2, max: 1"),
        (tight(default().with_name_bytes_max(26)), "limit: name_bytes_max"),
        (tight(default().with_member_bytes_max(2)), "limit: member_bytes_max, found: 3, max: 2"),
        (tight(default().with_total_bytes_max(2)), "limit: total_bytes_max, found: 3, max: 2"),
        (tight(default().with_manifest_bytes_max(7)), "limit: manifest_bytes_max, found: 8, max: 7"),
        (tight(default().with_list_bytes_max(100)), "limit: list_bytes_max"),
    ];
    for (error, message) in cases {
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains(message), "{message} in {error}");
    }
    let twice = [members(), members()].concat();
    let error = list(twice, &default()).unwrap_err();
    assert!(error.to_string().contains("listed twice"), "{error}");
}
