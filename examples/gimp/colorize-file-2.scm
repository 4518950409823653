; GIMP 2.10: colorizes one file, in place, and saves it flattened. A failure is printed; the next file follows.
; The arguments after the layer: model ("" for the default one), strength, temperature (negative: the model's own),
; output (0 a new layer, 1 in place), device.

(define (colorize-file name)
  (catch (begin (display "failed: ") (display name) (newline))
    (let* ((image (car (gimp-file-load RUN-NONINTERACTIVE (string-append folder-in name) name)))
           (layer (one-layer image)))
      (plug-in-autochrome-colorize RUN-NONINTERACTIVE image layer "" 1.0 -1.0 1 "auto")
      (gimp-file-save RUN-NONINTERACTIVE image layer (string-append folder-out name) name)
      (gimp-image-delete image))))

; The one layer of the image; several are merged first.
(define (one-layer image)
  (if (> (car (gimp-image-get-layers image)) 1)
      (car (gimp-image-merge-visible-layers image CLIP-TO-IMAGE))
      (car (gimp-image-get-active-drawable image))))
