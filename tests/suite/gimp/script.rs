//! Definitions for the test scripts, so that one script serves both generations.

use std::path::Path;

use super::Generation;

/// Definitions shared by both generations.
const COMMON: &str = r#"
(define (here name) (string-append folder "/" name))
(define said (open-output-file (here "said.txt")))
(define (say . words)
  (for-each (lambda (word) (display word said) (display " " said)) words)
  (newline said))
(define (count image) (layer-count image))
(define (merged image)
  (let ((copy (car (gimp-image-duplicate image))))
    (if (> (count copy) 1) (gimp-image-merge-visible-layers copy CLIP-TO-IMAGE))
    copy))
; saves a merged 16-bit copy, so that every precision can be compared; via floats, because GIMP 3.0.4's direct conversion
; can garble 8-bit linear with transparency
(define (export image name)
  (let ((copy (merged image)))
    (if (not (= (car (gimp-image-get-precision copy)) PRECISION-FLOAT-LINEAR))
      (gimp-image-convert-precision copy PRECISION-FLOAT-LINEAR))
    (gimp-image-convert-precision copy sixteen)
    (save copy (here name))
    (gimp-image-delete copy)))
"#;

const TWO: &str = r#"
(define sixteen PRECISION-U16-GAMMA)
(define (open name) (car (gimp-file-load RUN-NONINTERACTIVE (here name) name)))
(define (save image path)
  (gimp-file-save RUN-NONINTERACTIVE image (car (gimp-image-get-active-drawable image)) path path))
(define (layer-count image) (car (gimp-image-get-layers image)))
(define (top image) (vector-ref (cadr (gimp-image-get-layers image)) 0))
(define (colorize-as image layer model strength temperature output)
  (car (plug-in-autochrome-colorize RUN-NONINTERACTIVE image layer model strength temperature output "cpu")))
(define (colorize image layer output) (colorize-as image layer "" 1.0 -1.0 output))
(define (interactive image layer)
  (plug-in-autochrome-colorize RUN-INTERACTIVE image layer "" 1.0 -1.0 0 "auto"))
(define (again image layer)
  (plug-in-autochrome-colorize RUN-WITH-LAST-VALS image layer "" 1.0 -1.0 0 "auto"))
(define (base-type image) (car (gimp-image-base-type image)))
(define (offsets layer) (gimp-drawable-offsets layer))
(define (add-mask layer mask) (gimp-layer-add-mask layer mask))
(define (group image) (car (gimp-layer-group-new image)))
"#;

const THREE: &str = r#"
(define sixteen PRECISION-U16-NON-LINEAR)
(define (open name) (car (gimp-file-load RUN-NONINTERACTIVE (here name))))
(define (save image path) (gimp-file-save RUN-NONINTERACTIVE image path))
(define (layer-count image) (vector-length (car (gimp-image-get-layers image))))
(define (top image) (vector-ref (car (gimp-image-get-layers image)) 0))
(define (colorize-as image layer model strength temperature output)
  (vector-ref (car (plug-in-autochrome-colorize #:run-mode RUN-NONINTERACTIVE #:image image #:drawables (vector layer)
    #:model model #:strength strength #:temperature temperature
    #:output (if (= output 0) "new-layer" "in-place") #:device "cpu")) 0))
(define (colorize image layer output) (colorize-as image layer "" 1.0 -1.0 output))
(define (interactive image layer)
  (plug-in-autochrome-colorize #:run-mode RUN-INTERACTIVE #:image image #:drawables (vector layer)))
(define (again image layer)
  (plug-in-autochrome-colorize #:run-mode RUN-WITH-LAST-VALS #:image image #:drawables (vector layer)))
(define (base-type image) (car (gimp-image-get-base-type image)))
(define (offsets layer) (gimp-drawable-get-offsets layer))
(define (add-mask layer mask) (gimp-layer-add-mask layer mask))
(define (group image) (car (gimp-group-layer-new image "group")))
"#;

/// The script with its definitions; `folder` is where its file names are.
pub fn whole(generation: Generation, folder: &Path, body: &str) -> String {
    let own = match generation {
        Generation::Two => TWO,
        Generation::Three => THREE,
    };
    format!("(define folder \"{}\")\n{own}{COMMON}\n{body}\n", folder.display())
}
