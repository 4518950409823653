//! The batches that the held-out loss is measured on.
//!
//! The idea: **the same squares of the same photographs, whatever a configuration trains on.** A loss can be compared
//! between configurations only where both measured the same, so nothing here depends on seed, crops, mirroring or
//! aging.

use anyhow::Result;
use image::RgbImage;
use image::imageops::{self, FilterType};
use rayon::prelude::*;

use super::DataSet;
use super::batch::{Batch, MAX_CORRUPT_IN_A_ROW, Sample, assemble, none_of_use};

/// `batches` batches of `batch` photographs: as many as are wanted, evenly spread over the set, or all of them over
/// and over, in the order of the set. Of each the largest square in its middle, brought to `size`. An unusable one is
/// replaced by the next.
///
/// # Errors
/// 64 photographs in a row are unusable.
pub fn held_out_batches(data: &DataSet, size: u32, batch: usize, batches: usize) -> Result<Vec<Batch>> {
    let (wanted, total) = (batch * batches, data.items.len());
    let place = |index: usize| if wanted <= total { index * total / wanted } else { index % total };
    let sample = |index: usize| sample(data, place(index), size);
    let of_batch = |number: usize| {
        let samples = (number * batch..(number + 1) * batch).into_par_iter().map(sample);
        Ok(assemble(samples.collect::<Result<_>>()?, size))
    };
    (0..batches).map(of_batch).collect()
}

fn sample(data: &DataSet, place: usize, size: u32) -> Result<Sample> {
    let total = data.items.len();
    let mut places = (place..place + total.min(MAX_CORRUPT_IN_A_ROW)).map(|place| place % total);
    let usable = places.find_map(|index| Some((index, data.decode(index)?)));
    let (index, image) = usable.ok_or_else(|| none_of_use(data))?;
    Ok(Sample { name: data.items[index].name.clone(), crop: middle(&image, size), aged: None })
}

/// The largest square in the middle, brought to `size`.
fn middle(image: &RgbImage, size: u32) -> RgbImage {
    let (width, height) = image.dimensions();
    let side = width.min(height);
    let square = imageops::crop_imm(image, (width - side) / 2, (height - side) / 2, side, side);
    if side == size {
        return square.to_image();
    }
    imageops::resize(&*square, size, size, FilterType::Triangle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Selection, open};

    /// Photographs of 20 x 12, whose columns tell where a square was cut.
    fn photographs(count: u8) -> (tempfile::TempDir, DataSet) {
        let folder = tempfile::tempdir().unwrap();
        for index in 0..count {
            let pixel = |x: u32, _| image::Rgb([u8::try_from(10 * x).unwrap(), 100 + index, 40]);
            RgbImage::from_fn(20, 12, pixel).save(folder.path().join(format!("{index:02}.png"))).unwrap();
        }
        let set = open(&[folder.path().to_owned()], &Selection::default()).unwrap();
        (folder, set)
    }

    fn names(batches: &[Batch]) -> Vec<&str> {
        batches.iter().flat_map(|batch| &batch.names).map(|name| &name[..2]).collect()
    }

    #[test]
    fn squares_are_the_largest_in_the_middle() {
        let image = RgbImage::from_fn(20, 12, |x, _| image::Rgb([u8::try_from(x).unwrap(), 0, 0]));
        let cut = middle(&image, 12);
        assert_eq!((cut.dimensions(), cut.get_pixel(0, 0)[0], cut.get_pixel(11, 0)[0]), ((12, 12), 4, 15));
        assert_eq!(middle(&image, 6).dimensions(), (6, 6));
    }

    #[test]
    fn few_are_taken_evenly_and_many_over_and_over() {
        let (_folder, set) = photographs(6);
        assert_eq!(names(&held_out_batches(&set, 8, 1, 3).unwrap()), ["00", "02", "04"]);
        let over = held_out_batches(&set, 8, 4, 2).unwrap();
        assert_eq!(names(&over), ["00", "01", "02", "03", "04", "05", "00", "01"]);
        assert!(over.iter().all(|batch| batch.size == 8 && batch.l.len() == 4 * 64));
    }

    #[test]
    fn a_photograph_of_no_use_is_replaced_by_the_next() {
        let (folder, set) = photographs(4);
        std::fs::write(folder.path().join("01.png"), "no photograph").unwrap();
        assert_eq!(names(&held_out_batches(&set, 8, 4, 1).unwrap()), ["00", "02", "02", "03"]);
        (0..4).for_each(|index| std::fs::write(folder.path().join(format!("0{index}.png")), "none").unwrap());
        let refused = held_out_batches(&set, 8, 4, 1).unwrap_err().to_string();
        assert!(refused.starts_with("4 photographs in a row are unusable, such as 03.png"), "{refused}");
    }
}
