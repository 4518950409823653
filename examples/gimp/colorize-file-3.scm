; GIMP 3: colorizes one file, in place, and saves it. A failure is printed; the next file follows.
; Further arguments: #:model "autochrome" #:strength 1.0 #:temperature 0.5 #:output "new-layer" #:device "cpu".

(define (colorize-file name)
  (catch (begin (display "failed: ") (display name) (newline))
    (let* ((image (car (gimp-file-load RUN-NONINTERACTIVE (string-append folder-in name))))
           (layer (one-layer image)))
      (plug-in-autochrome-colorize #:run-mode RUN-NONINTERACTIVE #:image image #:drawables (vector layer)
        #:output "in-place")
      (gimp-file-save RUN-NONINTERACTIVE image (string-append folder-out name))
      (gimp-image-delete image))))

; The one layer of the image; several are merged first.
(define (one-layer image)
  (let ((layers (car (gimp-image-get-layers image))))
    (if (> (vector-length layers) 1)
        (car (gimp-image-merge-visible-layers image CLIP-TO-IMAGE))
        (vector-ref layers 0))))
