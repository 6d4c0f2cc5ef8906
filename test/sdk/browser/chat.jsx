// The page of ChatComposite, as the documents of the package tell to use it.
import { AzureCommunicationTokenCredential } from "@azure/communication-common";
import { ChatComposite, createAzureCommunicationChatAdapter } from "@azure/communication-react";
import { createRoot } from "react-dom/client";

window.show = async ({ endpoint, person, name, threadId }) => {
  const adapter = await createAzureCommunicationChatAdapter({
    endpoint, userId: { communicationUserId: person.id }, displayName: name, credential: new AzureCommunicationTokenCredential(person.token), threadId,
  });
  window.adapter = adapter;
  const root = document.getElementById("root");
  root.style.height = "100vh";
  createRoot(root).render(<ChatComposite adapter={adapter} options={{ topic: true }} />);
};
