//! Line plots as SVG texts.
//!
//! A plot is drawn in the colours of the light theme. Inside the page, style rules that select on those
//! very colour values replace them in the dark theme, so the same text also stands alone as a file.
//! Lines are labelled at their right end instead of in a legend; labels that would collide are moved apart.

use crate::Error;
use crate::curves::{Axis, Panel, Series, Style};
use crate::statistics;
use plotters::backend::SVGBackend;
use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::{Cartesian2d, Circle, DrawingArea, IntoDrawingArea, IntoFont, LineSeries, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color as _, RGBColor, ShapeStyle, TextStyle};
use std::ops::Range;

/// Size of the coordinate system; the page scales it to the column.
const SIZE: (u32, u32) = (880, 480);
/// Room for the labels at the right.
const LABEL_WIDTH: i32 = 160;
/// Height of a label.
const LABEL_HEIGHT: i32 = 24;
/// Font size in the coordinate system. The backend divides by 1.24, so this is 20.
const FONT_SIZE: f64 = 25.0;
/// Above this many points a noisy line is drawn faintly, under its trailing mean.
const MANY_POINTS: usize = 16;

const TEXT: RGBColor = RGBColor(0x5B, 0x64, 0x72);
const GRID: RGBColor = RGBColor(0xE3, 0xE6, 0xEB);
const PAPER: RGBColor = RGBColor(0xFF, 0xFF, 0xFE);

type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

/// Draws a panel. Alone, it carries its title and a background.
pub(crate) fn svg(panel: &Panel, alone: bool) -> Result<String, Error> {
    let mut text = String::new();
    draw(panel, alone, &mut text)
        .map_err(|error| Error::Plot { title: panel.title.clone(), message: error.to_string() })?;
    Ok(if alone { text } else { text.replacen("<svg ", "<svg class=\"plot\" ", 1) })
}

fn draw(panel: &Panel, alone: bool, text: &mut String) -> Drawn {
    let canvas = SVGBackend::with_string(text, SIZE).into_drawing_area();
    if alone {
        canvas.fill(&PAPER)?;
    }
    let steps = range_of(panel.series.iter().flat_map(|s| s.points.iter().map(|p| p.0)));
    let values = value_range(panel);
    let top = if alone { 56 } else { 14 };
    let mut chart = ChartBuilder::on(&canvas)
        .margin_top(top)
        .margin_right(LABEL_WIDTH)
        .margin_left(6)
        .margin_bottom(4)
        .x_label_area_size(40)
        .y_label_area_size(74)
        .build_cartesian_2d(steps.clone(), values.clone())?;
    let decimals = decimals(&values);
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(6)
        // Six make a step of 20 % on the axis of a share.
        .y_labels(if panel.axis == Axis::Whole { 6 } else { 5 })
        .axis_style(GRID)
        .bold_line_style(GRID)
        .light_line_style(GRID.mix(0.0))
        .label_style(label_style(TEXT))
        .x_label_formatter(&|step| format!("{step:.0}"))
        .y_label_formatter(&|value| axis_label(*value, decimals, panel.unit))
        .draw()?;
    for series in &panel.series {
        draw_series(&mut chart, series)?;
    }
    draw_labels(&canvas, &chart, panel, top)?;
    if alone {
        let title = TextStyle::from(("sans-serif", FONT_SIZE * 1.1).into_font()).color(&TEXT);
        canvas.draw(&Text::new(panel.title.clone(), (24, 16), title))?;
    }
    drop(chart);
    canvas.present()?;
    Ok(())
}

fn draw_series(chart: &mut Chart, series: &Series) -> Drawn {
    let color = rgb(series.color);
    let strong = ShapeStyle::from(&color).stroke_width(4);
    match series.style {
        Style::Noisy if series.points.len() > MANY_POINTS => {
            let faint = ShapeStyle::from(&color.mix(0.28)).stroke_width(2);
            chart.draw_series(LineSeries::new(series.points.iter().copied(), faint))?;
            chart.draw_series(LineSeries::new(smooth(&series.points), strong))?;
        }
        Style::Noisy => {
            chart.draw_series(LineSeries::new(series.points.iter().copied(), strong))?;
        }
        Style::Measured => {
            chart.draw_series(LineSeries::new(series.points.iter().copied(), strong))?;
            let dots = series.points.iter().map(|point| Circle::new(*point, 6, color.filled()));
            chart.draw_series(dots)?;
        }
    }
    Ok(())
}

/// Names of the lines at the height of their last points, moved apart where they collide.
fn draw_labels(canvas: &Canvas, chart: &Chart, panel: &Panel, top: i32) -> Drawn {
    let mut labels: Vec<(i32, &Series)> = Vec::new();
    for series in panel.series.iter().filter(|series| !series.name.is_empty()) {
        if let Some(last) = last_shown(series) {
            labels.push((chart.backend_coord(&last).1, series));
        }
    }
    labels.sort_by_key(|(height, _)| *height);
    let heights: Vec<i32> = labels.iter().map(|(height, _)| *height).collect();
    let bottom = SIZE.1 as i32 - 52;
    let places = spread(&heights, top + LABEL_HEIGHT / 2, bottom);
    for ((_, series), height) in labels.iter().zip(places) {
        let style = label_style(rgb(series.color)).pos(Pos::new(HPos::Left, VPos::Center));
        let place = (SIZE.0 as i32 - LABEL_WIDTH + 14, height);
        canvas.draw(&Text::new(series.name.clone(), place, style))?;
    }
    Ok(())
}

/// The value a line's label stands beside.
fn last_shown(series: &Series) -> Option<(f64, f64)> {
    match series.style {
        Style::Noisy if series.points.len() > MANY_POINTS => smooth(&series.points).pop(),
        _ => series.points.last().copied(),
    }
}

/// Moves sorted heights apart by [`LABEL_HEIGHT`], as little as possible, within bounds.
fn spread(heights: &[i32], top: i32, bottom: i32) -> Vec<i32> {
    let mut places = heights.to_vec();
    for index in 0..places.len() {
        let least = if index == 0 { top } else { places[index - 1] + LABEL_HEIGHT };
        places[index] = places[index].max(least);
    }
    for index in (0..places.len()).rev() {
        let most = if index + 1 == places.len() { bottom } else { places[index + 1] - LABEL_HEIGHT };
        places[index] = places[index].min(most);
    }
    places
}

fn smooth(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let values: Vec<f64> = points.iter().map(|point| point.1).collect();
    let window = (points.len() / 10).max(5);
    let means = statistics::trailing_mean(&values, window);
    points.iter().zip(means).map(|(point, mean)| (point.0, mean)).collect()
}

fn label_style(color: RGBColor) -> TextStyle<'static> {
    let mut style = TextStyle::from(("sans-serif", FONT_SIZE).into_font());
    style.color = color.to_backend_color();
    style
}

fn rgb((red, green, blue): (u8, u8, u8)) -> RGBColor {
    RGBColor(red, green, blue)
}

/// Smallest range that holds the values; a range of one for none.
fn range_of(values: impl Iterator<Item = f64>) -> Range<f64> {
    let (low, high) = values
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    match (low.is_finite(), high > low) {
        (true, true) => low..high,
        (true, false) => low - 0.5..low + 0.5,
        _ => 0.0..1.0,
    }
}

/// Range of the vertical axis: the data with a little air, within the panel's natural bounds, or all of these.
fn value_range(panel: &Panel) -> Range<f64> {
    if panel.axis == Axis::Whole {
        return panel.bounds.0..panel.bounds.1;
    }
    let data = range_of(panel.series.iter().flat_map(|s| s.points.iter().map(|p| p.1)));
    let air = 0.06 * (data.end - data.start);
    let (least, most) = panel.bounds;
    let low = if panel.axis == Axis::FromZero { data.start.min(0.0) } else { data.start - air };
    let range = low.max(least)..(data.end + air).min(most);
    if range.end > range.start { range } else { least..most }
}

/// A number of the axis, without the sign of a rounded zero.
fn axis_label(value: f64, decimals: usize, unit: &str) -> String {
    let text = format!("{value:.decimals$}");
    let is_zero = text.chars().all(|c| matches!(c, '-' | '0' | '.'));
    format!("{}{unit}", if is_zero { text.trim_start_matches('-') } else { &text })
}

/// Digits after the point that tell the axis labels apart.
fn decimals(range: &Range<f64>) -> usize {
    let step = (range.end - range.start) / 5.0;
    if step >= 1.0 { 0 } else { (-step.log10()).ceil().clamp(1.0, 6.0) as usize }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn panel(points: Vec<(f64, f64)>, style: Style) -> Panel {
        Panel {
            title: "Reward <per> group".into(),
            caption: String::new(),
            unit: "",
            bounds: (f64::NEG_INFINITY, f64::INFINITY),
            axis: Axis::Data,
            series: vec![Series { name: "deduction & co".into(), color: (0x25, 0x63, 0xEB), style, points }],
        }
    }

    #[test]
    fn labels_do_not_collide_and_stay_inside() {
        assert_eq!(spread(&[100, 101, 300], 10, 400), [100, 124, 300]);
        assert_eq!(spread(&[398, 399], 10, 400), [376, 400]);
        assert!(spread(&[], 10, 400).is_empty());
    }

    #[test]
    fn names_are_escaped() {
        let text = svg(&panel(vec![(0.0, 1.0), (1.0, 2.0)], Style::Measured), true).unwrap();
        assert!(text.contains("Reward &lt;per&gt; group"));
        assert!(text.contains("deduction &amp; co"));
        assert!(text.ends_with("</svg>\n"), "{}", &text[text.len() - 40..]);
    }

    #[test]
    fn a_share_is_drawn_on_the_whole_axis_however_constant_it_is() {
        for value in [0.0, 50.0, 100.0] {
            let mut share = panel(vec![(1.0, value), (2.0, value)], Style::Measured);
            (share.unit, share.bounds, share.axis) = ("%", (0.0, 100.0), Axis::Whole);
            assert_eq!(value_range(&share), 0.0..100.0);
            let text = svg(&share, true).unwrap();
            for label in ["0%", "20%", "100%"] {
                assert!(text.contains(&format!("\n{label}\n")), "{label} at {value}: {text}");
            }
        }
    }

    #[test]
    fn axis_labels_keep_enough_digits() {
        assert_eq!(decimals(&(0.0..100.0)), 0);
        assert_eq!(decimals(&(0.0..1.0)), 1);
        assert_eq!(decimals(&(0.0..0.01)), 3);
        assert_eq!(axis_label(-0.001, 2, "%"), "0.00%");
        assert_eq!(axis_label(-0.01, 2, ""), "-0.01");
    }

    proptest! {
        #[test]
        fn any_finite_points_can_be_drawn(
            points in prop::collection::vec((0.0_f64..1e4, -1e6_f64..1e6), 0..60),
            noisy in any::<bool>(),
        ) {
            let style = if noisy { Style::Noisy } else { Style::Measured };
            prop_assert!(svg(&panel(points, style), noisy).is_ok());
        }
    }
}
