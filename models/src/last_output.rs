//! The network's last output, for when the same picture is predicted again.
//!
//! The idea: **strength and temperature come after the network**, so a host's sliders need its output again, not the
//! network. One output is kept, with the L it belongs to; it is reused only after L was compared value by value.

use std::cell::RefCell;

use tch::{TchError, Tensor};

/// Most bytes that are kept, L included. An output of 313 logits fits up to a working size of about 450.
pub(crate) const KEPT_BYTES: usize = 16 << 20;

/// The last output of one network on one device.
#[derive(Default)]
pub(crate) struct LastOutput(RefCell<Option<Entry>>);

struct Entry {
    l: Vec<f32>,
    size: [i64; 2],
    output: Tensor,
}

impl LastOutput {
    /// The output for `l` of `size` (height, width): the kept one if it answers the very same L, else what `run` gives,
    /// which is then kept in its place unless it is too large. The tensor is shared: it must not be changed in place.
    pub(crate) fn get(
        &self,
        l: &[f32],
        size: [i64; 2],
        run: impl FnOnce() -> Result<Tensor, TchError>,
    ) -> Result<Tensor, TchError> {
        let mut last = self.0.borrow_mut();
        if let Some(entry) = last.as_ref().filter(|entry| entry.size == size && entry.l == l) {
            return Ok(entry.output.shallow_clone());
        }
        // Room first: an output that nobody will ask for again must not be held beside the next one.
        *last = None;
        let output = run()?;
        if size_of_val(l) + output.numel() * output.kind().elt_size_in_bytes() <= KEPT_BYTES {
            *last = Some(Entry { l: l.to_vec(), size, output: output.shallow_clone() });
        }
        Ok(output)
    }
}
