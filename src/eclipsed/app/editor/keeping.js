export default function (component) {
  const { data, setTriggerValue } = component;
  if (!data) return;
  if (strange(data)) setTriggerValue("token", kept());
  else keep(data.token);
}
