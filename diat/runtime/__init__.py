"""Running a model on crops: ncnn on a processor, torch on a GPU."""
