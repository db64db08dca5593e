//! Lines of suites and what they add up to.

use super::Figures;

const TOLD: &str = "suite=a\timages=30\teffect:WriteLost=15\tfault:EIO once=3/4\n\
                    suite=b\timages=10\tsecond_images=2\tfault:EIO once=1/4\n\
                    suite=b\tplanted:Forget=1\n";

#[test]
fn suites_add_up() {
    let figures = Figures::read(TOLD).unwrap();
    assert_eq!((figures.images(), figures.missed()), (40, None));
    let shown = figures.to_string();
    for line in [
        "a: images 30\n",
        "in all: images 40, second images 2\n",
        "WriteLost: in 37.5 % of the images",
        "EIO once: 8 runs, struck in 50 %",
        "planted bugs: 1 of 1 caught: Forget",
    ] {
        assert!(shown.contains(line), "{line} in {shown}");
    }
}

#[test]
fn a_missed_bug_and_a_failure_are_told() {
    let figures = Figures::read("suite=a\tplanted:Forget=0\nsuite=a\timages=1\tfailed=A=1:2:3 cargo x\n").unwrap();
    assert_eq!(figures.missed(), Some("Forget"));
    assert!(figures.to_string().ends_with("FAILED: A=1:2:3 cargo x\n"), "{figures}");
}

#[test]
fn what_is_no_report_is_refused() {
    for line in ["images=1", "suite=a\timages", "suite=a\timages=x", "suite=a\tother:x=1"] {
        assert!(Figures::read(line).is_err(), "{line}");
    }
}
