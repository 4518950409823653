"""GIMP 3, in Python: colorizes one photograph in a new layer and saves it with its layers.

    gimp-console-3.0 -i -d -f --quit --batch-interpreter=python-fu-eval -b "$(cat colorize_file.py)"

AUTOCHROME_IN names the photograph, AUTOCHROME_OUT the result (xcf keeps the layers). A failure ends GIMP with status 70.
"""

import os

from gi.repository import Gimp, Gio

image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(os.environ["AUTOCHROME_IN"]))
procedure = Gimp.get_pdb().lookup_procedure("plug-in-autochrome-colorize")
if procedure is None:
    raise RuntimeError("GIMP has no Colorize Photo: run `cargo xtask doctor` to see why")

config = procedure.create_config()
config.set_property("run-mode", Gimp.RunMode.NONINTERACTIVE)
config.set_property("image", image)
config.set_core_object_array("drawables", image.get_layers())
config.set_property("output", "new-layer")
config.set_property("strength", 1.1)
result = procedure.run(config)
if result.index(0) != Gimp.PDBStatusType.SUCCESS:
    raise RuntimeError(Gimp.get_pdb().get_last_error())
print("colors in:", [layer.get_name() for layer in image.get_layers()][0])

out = Gio.File.new_for_path(os.environ["AUTOCHROME_OUT"])
if not Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, out, None):
    raise RuntimeError("could not save the result")
