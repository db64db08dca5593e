//! Pictures as SVG: laid out here, so that nothing else is needed to look at them.

use std::collections::HashMap;
use std::fmt::Write;

use super::layout::{Layout, Point, layout};
use super::{Arrow, Picture, Shape};

/// Letters of a line; longer ones are broken.
const LINE_LETTERS: usize = 48;
const FONT_SIZE: f64 = 12.0;
const LINE_HEIGHT: f64 = 16.0;
/// Around the text of a box.
const PADDING: f64 = 10.0;
/// How far arrows between the same two boxes are apart.
const BEND: f64 = 26.0;

/// A document of one picture.
pub(super) fn svg(picture: &Picture) -> String {
    let texts: Vec<Vec<String>> = picture.boxes.iter().map(lines).collect();
    let sizes: Vec<(f64, f64)> = texts.iter().map(|lines| size(lines)).collect();
    let ends: Vec<(usize, usize)> = picture.arrows.iter().map(|arrow| (arrow.from, arrow.to)).collect();
    let made = layout(&sizes, &ends);
    let (width, height) = (made.width + BEND * 2.0, made.height);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"-{BEND} 0 {width:.0} {height:.0}\" font-family=\"sans-serif\" font-size=\"{FONT_SIZE}\">\n\
         <defs><marker id=\"end\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"8\" markerHeight=\"8\" \
         orient=\"auto\"><path d=\"M0 0L10 5L0 10z\" fill=\"#555\"/></marker></defs>\n\
         <rect x=\"-{BEND}\" width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    let mut labels = String::new();
    let mut twins: HashMap<(usize, usize), u32> = HashMap::new();
    for (place, arrow) in picture.arrows.iter().enumerate() {
        let pair = (arrow.from.min(arrow.to), arrow.from.max(arrow.to));
        let twin = twins.entry(pair).or_default();
        draw_arrow(&mut text, &mut labels, arrow, bend(*twin), (&made, &sizes, place));
        *twin += 1;
    }
    for ((shape, lines), (middle, size)) in picture.boxes.iter().zip(&texts).zip(made.boxes.iter().zip(&sizes)) {
        draw_box(&mut text, shape, lines, *middle, *size);
    }
    text.push_str(&labels);
    text.push_str("</svg>\n");
    text
}

/// 0 for the first of a pair, and then to the right and to the left in turn.
fn bend(twin: u32) -> f64 {
    let side = if twin.is_multiple_of(2) { -1.0 } else { 1.0 };
    side * f64::from(twin.div_ceil(2)) * BEND
}

/// The lines of a box, none longer than fits.
fn lines(shape: &Shape) -> Vec<String> {
    let all = shape.lines.iter().flat_map(|line| line.lines());
    all.flat_map(|line| {
        let letters: Vec<char> = line.chars().collect();
        letters.chunks(LINE_LETTERS).map(|part| part.iter().collect()).collect::<Vec<String>>()
    })
    .collect()
}

/// How wide a text is, about: fonts differ.
fn width(text: &str) -> f64 {
    text.chars().map(|letter| if letter.is_ascii() { FONT_SIZE * 0.6 } else { FONT_SIZE }).sum()
}

fn size(lines: &[String]) -> (f64, f64) {
    let widest = lines.iter().map(|line| width(line)).fold(24.0, f64::max);
    (widest + 2.0 * PADDING, lines.len().max(1) as f64 * LINE_HEIGHT + PADDING)
}

fn draw_box(text: &mut String, shape: &Shape, lines: &[String], (x, y): Point, (width, height): (f64, f64)) {
    let (left, top) = (x - width / 2.0, y - height / 2.0);
    let (radius, fill) = if shape.is_round { (14.0, "#eef4ff") } else { (3.0, "#f6f6f6") };
    // Writing to a text cannot fail.
    let _ = writeln!(
        text,
        "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{radius}\" fill=\"{fill}\" \
         stroke=\"#555\"/>"
    );
    for (line, place) in lines.iter().zip(0_u32..) {
        let base = top + PADDING / 2.0 + LINE_HEIGHT * (f64::from(place) + 0.75);
        let _ = writeln!(text, "<text x=\"{x:.1}\" y=\"{base:.1}\" text-anchor=\"middle\">{}</text>", escaped(line));
    }
}

fn draw_arrow(
    text: &mut String,
    labels: &mut String,
    arrow: &Arrow,
    bend: f64,
    (made, sizes, place): (&Layout, &[(f64, f64)], usize),
) {
    let points = &made.arrows[place];
    let (path, middle) = match arrow.from == arrow.to {
        true => around(made.boxes[arrow.from], sizes[arrow.from], bend.abs()),
        false => along(points, (sizes[arrow.from], sizes[arrow.to]), bend),
    };
    let _ = writeln!(text, "<path d=\"{path}\" fill=\"none\" stroke=\"#555\" marker-end=\"url(#end)\"/>");
    if !arrow.label.is_empty() {
        let _ = writeln!(
            labels,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#333\" stroke=\"#fff\" stroke-width=\"3\" \
             paint-order=\"stroke\">{}</text>",
            middle.0,
            middle.1,
            escaped(&arrow.label)
        );
    }
}

/// A loop at the right side of a box.
fn around((x, y): Point, (width, _): (f64, f64), bend: f64) -> (String, Point) {
    let (side, out) = (x + width / 2.0, x + width / 2.0 + BEND + bend);
    let (top, bottom) = (y - 6.0, y + 6.0);
    let path = format!(
        "M{side:.1} {top:.1}C{out:.1} {:.1} {out:.1} {:.1} {side:.1} {bottom:.1}",
        top - BEND / 2.0,
        bottom + BEND / 2.0
    );
    (path, (out, y - BEND / 2.0))
}

/// A smooth line through the points, between the borders of the boxes at its ends.
fn along(points: &[Point], (from, to): ((f64, f64), (f64, f64)), bend: f64) -> (String, Point) {
    let mut points: Vec<Point> = points.to_vec();
    let count = points.len();
    if count == 2 && bend != 0.0 {
        let ((x, y), (other_x, other_y)) = (points[0], points[1]);
        points.insert(1, ((x + other_x) / 2.0 + bend, (y + other_y) / 2.0));
    } else if bend != 0.0 {
        points[1..count - 1].iter_mut().for_each(|point| point.0 += bend);
    }
    let last = points.len() - 1;
    points[0] = border(points[0], from, points[1]);
    points[last] = border(points[last], to, points[last - 1]);
    let mut path = format!("M{:.1} {:.1}", points[0].0, points[0].1);
    for step in points.windows(2) {
        let ((x, y), (to_x, to_y)) = (step[0], step[1]);
        let half = (y + to_y) / 2.0;
        // Writing to a text cannot fail.
        let _ = write!(path, "C{x:.1} {half:.1} {to_x:.1} {half:.1} {to_x:.1} {to_y:.1}");
    }
    let (one, other) = (points[last / 2], points[last / 2 + 1]);
    let middle =
        if last.is_multiple_of(2) { points[last / 2] } else { ((one.0 + other.0) / 2.0, (one.1 + other.1) / 2.0) };
    (path, middle)
}

/// Where the line from the middle of a box to a point leaves it: above, below, or at a side.
fn border((x, y): Point, (width, height): (f64, f64), (to_x, to_y): Point) -> Point {
    let (across, down) = (to_x - x, to_y - y);
    match down.abs() < 1.0 {
        true => (x + across.signum() * width / 2.0, y),
        false => (
            x + (across * height / 2.0 / down.abs()).clamp(-width / 2.0, width / 2.0),
            y + down.signum() * height / 2.0,
        ),
    }
}

/// Text that no reader of XML takes for anything else.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // XML has no other control characters, and neither of these.
            letter if letter.is_control() || matches!(letter, '\u{FFFE}' | '\u{FFFF}') => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}
