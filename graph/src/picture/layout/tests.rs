//! Boxes lie apart, arrows lead down, and nothing is outside.

use proptest::prelude::*;

use super::{Layout, layout};

fn check(sizes: &[(f64, f64)], arrows: &[(usize, usize)]) -> Layout {
    let made = layout(sizes, arrows);
    assert_eq!((made.boxes.len(), made.arrows.len()), (sizes.len(), arrows.len()));
    for (place, ((x, y), (width, height))) in made.boxes.iter().zip(sizes).enumerate() {
        assert!(x - width / 2.0 >= 0.0 && x + width / 2.0 <= made.width, "box {place} at {x} of {made:?}");
        assert!(y - height / 2.0 >= 0.0 && y + height / 2.0 <= made.height, "box {place} at {y} of {made:?}");
        for (other, ((ox, oy), (ow, oh))) in made.boxes.iter().zip(sizes).enumerate().take(place) {
            let is_apart = (x - ox).abs() >= (width + ow) / 2.0 || (y - oy).abs() >= (height + oh) / 2.0;
            assert!(is_apart, "boxes {place} and {other} of {made:?}");
        }
    }
    for (points, (from, to)) in made.arrows.iter().zip(arrows) {
        assert_eq!((points[0], points[points.len() - 1]), (made.boxes[*from], made.boxes[*to]));
    }
    made
}

#[test]
fn arrows_lead_down_through_a_place_in_each_row() {
    let made = check(&[(50.0, 20.0); 4], &[(0, 1), (1, 2), (2, 3), (0, 3)]);
    let rows: Vec<f64> = made.boxes.iter().map(|one| one.1).collect();
    assert!(rows.is_sorted_by(|one, next| one < next), "{rows:?}");
    assert_eq!(made.arrows[3].len(), 4);
}

#[test]
fn circles_and_loops_end() {
    let made = check(&[(50.0, 20.0); 3], &[(0, 1), (1, 2), (2, 0), (1, 1)]);
    assert_eq!(made.arrows[2].len(), 3, "the arrow back passes a row");
    assert_eq!(check(&[], &[]).boxes.len(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_picture(
        sizes in prop::collection::vec((8.0..300.0, 10.0..90.0), 1..30),
        ends in prop::collection::vec((0_usize..1000, 0_usize..1000), 0..60),
    ) {
        let arrows: Vec<_> = ends.iter().map(|(from, to)| (from % sizes.len(), to % sizes.len())).collect();
        check(&sizes, &arrows);
    }
}
