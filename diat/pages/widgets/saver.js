// Hands a file over to the visitor as soon as the server has made it.
watch("value", () => {
  const file = props.value?.file;
  if (!file) return;
  const link = document.createElement("a");
  link.href = file.url;
  link.download = file.orig_name;
  document.body.append(link);
  link.click();
  link.remove();
});
