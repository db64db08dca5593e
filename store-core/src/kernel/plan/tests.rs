//! Native paths there and back, and plans that follow the capabilities.

use proptest::prelude::*;

use super::*;
use crate::capability::Capability;
use crate::error::ErrorKind;
use crate::ops::BackendInfo;

fn kernel(scheme: &'static str, root: &str) -> Kernel {
    Kernel::new(BackendInfo::new(scheme, root, Capability::default()), format!("{scheme}({root})"))
}

#[test]
fn native_paths_are_those_of_the_backend() {
    let local = kernel("local", "/data/");
    assert_eq!(local.native_path("a b/%#?").unwrap(), "/data/a b/%#?");
    assert_eq!(local.native_path("").unwrap(), "/data");
    let s3 = kernel("s3", "bucket/base");
    assert_eq!(s3.native_path("a b/%#?é").unwrap(), "s3://bucket/base/a%20b/%25%23%3F%C3%A9");
    assert_eq!(kernel("memory", "").native_path("a").unwrap(), "memory:///a");
    assert_eq!(s3.child("x").unwrap().native_path("a").unwrap(), "s3://bucket/base/x/a");
    assert_eq!(s3.native_path("../a").unwrap_err().kind(), ErrorKind::Invalid);
}

#[test]
fn paths_of_others_are_refused() {
    let child = kernel("s3", "bucket").child("x").unwrap();
    assert_eq!(child.to_key("s3://bucket/x").unwrap(), "");
    for path in ["s3://bucket/xy", "s3://bucket/y", "s3://bucket", "s3://bucketx/x/a", "gs://bucket/x/a", "/x/a", ""] {
        assert_eq!(child.to_key(path).unwrap_err().kind(), ErrorKind::Invalid, "{path}");
    }
    for path in
        ["s3://bucket/x/%2", "s3://bucket/x/%zz", "s3://bucket/x/%ff", "s3://bucket/x/%2e%2e/a", "s3://bucket/x//a"]
    {
        assert_eq!(child.to_key(path).unwrap_err().kind(), ErrorKind::Invalid, "{path}");
    }
    assert_eq!(kernel("local", "/data").to_key("/data/../etc").unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(kernel("local", "/data").to_key("/database").unwrap_err().kind(), ErrorKind::Invalid);
}

#[test]
fn plans_follow_the_capabilities_and_outlive_the_store() {
    let read_only = kernel("http", "host").resolve("a").unwrap();
    let supported = |plan: &ResolutionPlan| {
        plan.operations.iter().filter(|one| one.supported).map(|one| one.operation).collect::<Vec<_>>()
    };
    assert_eq!(supported(&read_only), [Operation::Read, Operation::Head, Operation::List]);

    let capability =
        Capability { write: true, copy: true, copy_if_absent: true, durable: true, ..Capability::default() };
    let info = BackendInfo::new("s3", "bucket", capability).with_namespace(Namespace::Flat);
    let kernel = Kernel::new(info, "s3(bucket)".to_owned()).child("x").unwrap();
    kernel.close();
    let plan = kernel.resolve("a").unwrap();
    assert_eq!((plan.path.as_str(), plan.native_path.as_str(), plan.durable), ("x/a", "s3://bucket/x/a", true));
    assert_eq!((plan.backend.as_str(), plan.root.as_str(), plan.namespace), ("s3(bucket)", "bucket", Namespace::Flat));
    assert!(!supported(&plan).contains(&Operation::Rename));
    let copy = plan.operation(Operation::Copy).unwrap();
    assert_eq!((copy.if_absent, copy.if_match, copy.cost, copy.atomicity), (true, false, Cost::One, Atomicity::Whole));
    let delete = plan.operation(Operation::Delete).unwrap();
    assert_eq!((delete.cost, delete.consistency), (Cost::Two, Consistency::OneState));
    let folder = plan.operation(Operation::DeleteFolder).unwrap();
    assert_eq!((folder.atomicity, folder.cost), (Atomicity::PerObject, Cost::TwoPerPage));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn native_paths_lead_back(key in "[a%~ é?#*'\"+]{1,6}(/[.a%2F ]{3,6}){0,2}") {
        for (scheme, root) in [("local", "/data"), ("s3", "bucket"), ("memory", "")] {
            let kernel = kernel(scheme, root);
            for kernel in [kernel.child("in side").unwrap(), kernel] {
                let Ok(native) = kernel.native_path(&key) else { continue };
                prop_assert_eq!(&kernel.to_key(&native).unwrap(), &key, "{}", native);
            }
        }
    }
}
